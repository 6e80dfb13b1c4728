using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;

namespace Slipway.Hosting.Ingestion;

/// <summary>Every source of the collection: those registered in code, the folder of the settings, and what is pushed.</summary>
internal sealed class DocumentSources : IDisposable
{
    private const string GoogleDrive = "google_drive";

    private readonly LocalFolderSource? _folder;

    public DocumentSources(
        IEnumerable<IDocumentSource> registered,
        DocumentInbox inbox,
        IOptions<RagOptions> options,
        IHostEnvironment environment
    )
    {
        var settings = options.Value;
        var sources = registered.ToList();
        if (settings.Pipeline == PipelineType.GoogleDrive && sources.TrueForAll(source => source.Name != GoogleDrive))
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"Rag:Pipeline (RAG_PIPELINE_TYPE, --pipeline) is '{GoogleDrive}', and this host has no source of that name.",
                $"Register an IDocumentSource named '{GoogleDrive}', or set local."
            );
        }

        if (settings is { Pipeline: PipelineType.Local, Folder: { Length: > 0 } folder })
        {
            _folder = new LocalFolderSource(
                Path.GetFullPath(folder, environment.ContentRootPath),
                settings.FolderName ?? LocalFolderSource.DefaultName
            );
        }

        All =
        [
            // Settings win over code: the configured folder takes the place of a registered one of the same name.
            .. sources.Where(source => source.Name != _folder?.Name),
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
