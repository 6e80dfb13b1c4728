using System.IO.Compression;
using System.Runtime.CompilerServices;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Core.Tests.Sources;

/// <summary>The files in a ZIP archive.</summary>
public sealed class ZipSource(string path, string name = "zip") : IDocumentSource
{
    public string Name => name;

    public async IAsyncEnumerable<SourceItem> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await using var archive = await OpenArchiveAsync(cancellationToken);
        var files = archive.Entries.Where(entry => entry.Name.Length > 0); // the others are folders
        foreach (var entry in files.DistinctBy(entry => entry.FullName))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new SourceDocument
            {
                ExternalId = entry.FullName,
                Name = entry.FullName,
                Size = entry.Length,
                ModifiedAt = entry.LastWriteTime.ToUniversalTime(),
            };
        }
    }

    public async ValueTask<Stream> OpenAsync(SourceDocument document, CancellationToken cancellationToken = default)
    {
        await using var archive = await OpenArchiveAsync(cancellationToken);
        var entry =
            archive.GetEntry(document.ExternalId)
            ?? throw new SlipwayException(ErrorClass.Transient, $"'{document.Name}' is not in '{path}' any more.");
        var content = new MemoryStream();
        await using var compressed = await entry.OpenAsync(cancellationToken);
        await compressed.CopyToAsync(content, cancellationToken);
        content.Position = 0;
        return content;
    }

    private async Task<ZipArchive> OpenArchiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ZipFile.OpenReadAsync(path, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            const string Fix = "Name a ZIP archive that is there.";
            throw new SlipwayException(ErrorClass.Configuration, $"'{path}': {exception.Message}", Fix, exception);
        }
    }
}
