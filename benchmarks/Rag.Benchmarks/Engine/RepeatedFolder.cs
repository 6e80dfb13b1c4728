namespace Slipway.Rag.Benchmarks;

/// <summary>
/// A folder as often as it takes to have so many bytes. In each copy the first heading of a file (or its first line, if it has none) says which
/// copy it is: so its chunks are other ones, and must be embedded and stored again.
/// </summary>
internal static class RepeatedFolder
{
    public static (int Files, long Bytes) Make(string folder, string target, long bytes)
    {
        var (files, written) = (0, 0L);
        var originals = Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        var texts = originals
            .Select(file => (Name: Path.GetRelativePath(folder, file), Lines: File.ReadAllLines(file)))
            .Where(text => !Array.Exists(text.Name.Split(Path.DirectorySeparatorChar), part => part[0] == '.')) // not listed
            .ToList();
        if (texts.Count == 0)
        {
            throw new ArgumentException($"--data '{folder}' has no files.");
        }

        // Long ago: a file that was written just before it is read is read once more.
        var time = TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-1);
        for (var copy = 0; written < bytes; copy++)
        {
            foreach (var (name, lines) in texts)
            {
                var path = Path.Combine(target, $"copy-{copy:000}", name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                var heading = Math.Max(
                    0,
                    Array.FindIndex(lines, line => line.StartsWith("# ", StringComparison.Ordinal))
                );
                File.WriteAllLines(path, lines.Select((line, i) => i == heading ? $"{line} (copy {copy})" : line));
                File.SetLastWriteTimeUtc(path, time);
                files++;
                written += new FileInfo(path).Length;
                if (written >= bytes)
                {
                    break;
                }
            }
        }

        return (files, written);
    }
}
