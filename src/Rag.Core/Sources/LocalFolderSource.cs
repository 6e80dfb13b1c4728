using System.Buffers;
using System.IO.Enumeration;
using System.Runtime.CompilerServices;

namespace Slipway.Rag.Sources;

/// <summary>A folder on disk, with its subfolders.</summary>
/// <remarks>
/// External ids are paths relative to the folder with <c>/</c>, so moving the mount changes nothing. Names that start with <c>.</c> or
/// <c>~$</c> are left out. Symbolic links are followed only where they stay inside the folder.
/// </remarks>
public sealed class LocalFolderSource : IDocumentSource, IDisposable
{
    /// <summary>The source name that is used where none is given: <c>local</c>.</summary>
    public const string DefaultName = "local";

    /// <summary>What stands in a URI as it is.</summary>
    private static readonly SearchValues<char> PlainInUri = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
    );

    private readonly FolderWatch _watch;
    private readonly string _uri;

    /// <summary>Creates the source; the folder is looked at when it is listed, not before.</summary>
    /// <param name="path">The folder. It is never created: a missing folder is an unmounted volume more often than an empty one.</param>
    /// <param name="name">The source's stable name.</param>
    public LocalFolderSource(string path, string name = DefaultName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        Name = name;
        _uri = new Uri(System.IO.Path.EndsInDirectorySeparator(Path) ? Path : Path + "/").AbsoluteUri;
        _watch = new FolderWatch(Path);
    }

    /// <summary>The folder, as a full path.</summary>
    public string Path { get; }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
#pragma warning disable CS1998 // The file system has no asynchronous listing; the contract has.
    public async IAsyncEnumerable<SourceItem> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
#pragma warning restore CS1998
    {
        var root = RealPath(new DirectoryInfo(Path));
        if (root is null || !Directory.Exists(root))
        {
            throw Missing();
        }

        var pending = new Stack<(string Directory, string Prefix)>();
        pending.Push((Path, ""));
        while (pending.TryPop(out var next))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (entries, gap) = Entries(next.Directory, next.Prefix);
            if (gap is not null)
            {
                yield return next.Prefix.Length == 0 ? throw Unreadable(gap.Reason) : gap;
                continue;
            }

            foreach (var entry in entries)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var resolved = entry.IsLink ? Resolve(entry, root, next.Directory) : entry;
                if (resolved is { IsDirectory: true })
                {
                    pending.Push((System.IO.Path.Combine(Path, entry.ExternalId), entry.ExternalId + "/"));
                }
                else if (resolved is { } file)
                {
                    yield return Document(file);
                }
            }
        }
    }

    /// <inheritdoc />
    public ValueTask<Stream> OpenAsync(SourceDocument document, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(document);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Stream>(cancellationToken);
        }

        var path = System.IO.Path.Combine(Path, document.ExternalId);
        if (document.Size == 0 && File.Exists(path))
        {
            return ValueTask.FromResult(Stream.Null); // nothing to read; and opening a named pipe would wait for ever
        }

        try
        {
            return ValueTask.FromResult<Stream>(
                new FileStream(
                    path,
                    new FileStreamOptions
                    {
                        Mode = FileMode.Open,
                        Access = FileAccess.Read,
                        Share = FileShare.ReadWrite | FileShare.Delete, // whoever is saving it must be able to
                        Options = FileOptions.SequentialScan,
                        BufferSize = 0, // the engine reads in large pieces
                    }
                )
            );
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException(
                ErrorClass.Transient,
                $"'{document.Name}' cannot be opened: {exception.Message}",
                "Give this user the right to read it, or close the program that holds it; it is tried again by itself.",
                exception
            );
        }
    }

    /// <inheritdoc />
    public Task WaitForChangeAsync(
        TimeSpan atMost,
        TimeProvider timeProvider,
        CancellationToken cancellationToken = default
    ) => _watch.WaitAsync(atMost, timeProvider, cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _watch.Dispose();

    private static (List<Entry> Entries, SourceGap? Gap) Entries(string directory, string prefix)
    {
        try
        {
            // One stat an entry. Sorted, so that runs are alike and progress reads well.
            var entries = new FileSystemEnumerable<Entry>(
                directory,
                (ref FileSystemEntry entry) =>
                    new Entry(
                        string.Concat(prefix, entry.FileName),
                        entry.IsDirectory,
                        entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
                        entry.IsDirectory ? 0 : entry.Length,
                        entry.LastWriteTimeUtc
                    ),
                new EnumerationOptions { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false }
            )
            {
                ShouldIncludePredicate = static (ref FileSystemEntry entry) =>
                    !entry.FileName.StartsWith('.') && !entry.FileName.StartsWith("~$"),
            }.ToList();
            entries.Sort(static (left, right) => string.CompareOrdinal(left.ExternalId, right.ExternalId));
            return (entries, null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ([], new SourceGap(prefix, exception.Message));
        }
    }

    private static string? RealPath(FileSystemInfo entry)
    {
        try
        {
            // ResolveLinkTarget resolves the last part only; a link's parents may be links as well, but they are then the folder's own.
            return entry.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? entry.FullName;
        }
        catch (IOException)
        {
            return null; // a cycle of links
        }
    }

    /// <summary>What a link stands for; null when it leaves the folder, dangles, or leads back to a folder above itself.</summary>
    private Entry? Resolve(Entry link, string root, string directory)
    {
        var path = System.IO.Path.Combine(Path, link.ExternalId);
        var target = RealPath(link.IsDirectory ? new DirectoryInfo(path) : new FileInfo(path));
        if (target is null || !IsInside(target, root))
        {
            return null;
        }

        if (Directory.Exists(target))
        {
            var current = RealPath(new DirectoryInfo(directory)) ?? directory;
            return IsInside(current, target) ? null : link with { IsDirectory = true };
        }

        var file = new FileInfo(target);
        return file.Exists
            ? link with
            {
                IsDirectory = false,
                Length = file.Length,
                ModifiedAt = new DateTimeOffset(file.LastWriteTimeUtc),
            }
            : null;
    }

    private static bool IsInside(string path, string root) =>
        path.StartsWith(root, StringComparison.Ordinal)
        && (path.Length == root.Length || path[root.Length] == System.IO.Path.DirectorySeparatorChar);

    private SourceDocument Document(Entry entry) =>
        new()
        {
            ExternalId = entry.ExternalId,
            Name = entry.ExternalId,
            Uri = entry.ExternalId.AsSpan().ContainsAnyExcept(PlainInUri)
                ? new Uri(System.IO.Path.Combine(Path, entry.ExternalId)).AbsoluteUri
                : _uri + entry.ExternalId, // most names; parsing costs more than the rest of the listing
            Size = entry.Length,
            ModifiedAt = entry.ModifiedAt,
        };

    private SlipwayException Missing() =>
        new(
            ErrorClass.Configuration,
            $"The folder '{Path}' does not exist. Nothing that was read from it before is deleted.",
            "Create or mount the folder, or name another one."
        );

    private SlipwayException Unreadable(string reason) =>
        new(
            ErrorClass.Configuration,
            $"The folder '{Path}' cannot be listed: {reason}. Nothing that was read from it before is deleted.",
            "Give this user the right to list the folder."
        );

    private readonly record struct Entry(
        string ExternalId,
        bool IsDirectory,
        bool IsLink,
        long Length,
        DateTimeOffset ModifiedAt
    );
}
