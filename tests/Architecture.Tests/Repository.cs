using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Slipway.Architecture.Tests;

/// <summary>The source tree that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> Projects(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.csproj", SearchOption.AllDirectories);

    public static IEnumerable<string> Sources(string folder) =>
        Directory
            .EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"));

    public static string Name(string project) => Path.GetFileNameWithoutExtension(project);

    public static IReadOnlyList<string> References(string project, string kind) =>
        [
            .. XDocument
                .Load(project)
                .Descendants(kind)
                .Select(reference => (string)reference.Attribute("Include")!)
                .Select(include => kind == "ProjectReference" ? Name(include.Replace('\\', '/')) : include),
        ];

    private static string FindRoot([CallerFilePath] string path = "")
    {
        // The path that the compiler saw; where it was mapped (deterministic builds), the test runs below the tree.
        var folder = File.Exists(path) ? Path.GetDirectoryName(path) : AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Library.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("Library.sln was not found above the tests.");
    }
}
