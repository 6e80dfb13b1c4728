using System.IO.Enumeration;

namespace Slipway.Rag.Benchmarks;

/// <summary>The least that finds out whether a folder changed: every file's length and time of its last write.</summary>
internal static class BareWalk
{
    public static int FileInfos(string folder)
    {
        var (files, checksum) = (0, 0L);
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            files++;
            checksum += file.Length + file.LastWriteTimeUtc.Ticks;
        }

        return checksum == 0 ? 0 : files;
    }

    public static int Entries(string folder)
    {
        var (files, checksum) = (0, 0L);
        var walk = new FileSystemEnumerable<long>(
            folder,
            static (ref FileSystemEntry entry) => entry.Length + entry.LastWriteTimeUtc.Ticks,
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }
        )
        {
            ShouldIncludePredicate = static (ref FileSystemEntry entry) => !entry.IsDirectory,
        };
        foreach (var fact in walk)
        {
            files++;
            checksum += fact;
        }

        return checksum == 0 ? 0 : files;
    }
}
