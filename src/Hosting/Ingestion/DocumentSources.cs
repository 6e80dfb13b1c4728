using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;

namespace Slipway.Hosting.Ingestion;

/// <summary>Every source of the collection: those registered in code, the folder of the settings, and what is pushed.</summary>
internal sealed class DocumentSources : IDisposable
{
    private readonly LocalFolderSource? _folder;

    public DocumentSources(
        IEnumerable<IDocumentSource> registered,
        DocumentInbox inbox,
        IOptions<RagOptions> options,
        IHostEnvironment environment
    )
    {
        if (options.Value.Folder is { Length: > 0 } folder)
        {
            _folder = new LocalFolderSource(Path.GetFullPath(folder, environment.ContentRootPath));
        }

        All =
        [
            // Settings win over code: the configured folder takes the place of a registered one of the same name.
            .. registered.Where(source => source.Name != _folder?.Name),
            .. _folder is null ? [] : new[] { _folder },
            inbox.Source,
        ];
        if (All.GroupBy(source => source.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"Two sources are called '{twice.Key}'; their documents could not be told apart.",
                "Give one of them another name: AddFolder(path, name)."
            );
        }
    }

    public IReadOnlyList<IDocumentSource> All { get; }

    public void Dispose() => _folder?.Dispose();
}
