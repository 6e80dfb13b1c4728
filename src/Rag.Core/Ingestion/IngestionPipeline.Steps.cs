using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

// What is done with one document.
public sealed partial class IngestionPipeline
{
    private async ValueTask<DocumentContent> OpenAsync(
        IDocumentSource source,
        SourceDocument document,
        CancellationToken cancellationToken
    )
    {
        if (document.Size > _options.MaxBytes)
        {
            throw DocumentContent.TooLarge(document.Name, document.Size.Value, _options.MaxBytes);
        }

        var stream = await source.OpenAsync(document, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            return await DocumentContent
                .ReadAsync(stream, document, _options.MaxBytes, _time, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Only the time or the name of the source's record changed: noted, nothing else.</summary>
    private bool IsSameContent(DocumentClaim claim, DocumentContent content) =>
        claim.Entry is { Version: > 0 } entry
        && entry.ContentHash == content.Hash
        && entry.PipelineFingerprint == Fingerprint;

    private async ValueTask<StructuredDocument> ReadAsync(
        DocumentClaim claim,
        Attempt attempt,
        CancellationToken cancellationToken
    )
    {
        var content = attempt.Content!;
        attempt.MediaType = MediaTypes.Detect(claim.Document.Name, content.Head, claim.Document.MediaType);
        var context = new ReadingContext
        {
            Name = claim.Document.Name,
            MediaType = attempt.MediaType,
            MaxTextLength = _options.MaxTextLength,
        };
        return await _readers.ReadAsync(content.OpenStream(), context, cancellationToken).ConfigureAwait(false);
    }

    private List<ChunkRecord> Chunk(StructuredDocument document)
    {
        var chunks = _chunker.Chunk(document);
        var records = new List<ChunkRecord>(chunks.Count);
        foreach (var chunk in chunks)
        {
            var text = document.Text[chunk.Start..chunk.End];
            records.Add(
                new ChunkRecord
                {
                    Ordinal = records.Count,
                    Start = chunk.Start,
                    End = chunk.End,
                    Text = text,
                    Headings = chunk.Headings,
                    RepeatedHeader = chunk.RepeatedHeader,
                    ContentHash = ChunkIdentity.Hash(ChunkIdentity.Input(chunk.Headings, chunk.RepeatedHeader, text)),
                }
            );
        }

        return records;
    }

    private DocumentPublication Publication(
        DocumentClaim claim,
        Attempt attempt,
        StructuredDocument document,
        IReadOnlyList<ChunkRecord> chunks
    ) =>
        new()
        {
            Collection = claim.Collection,
            Source = claim.Source,
            Document = claim.Document,
            DocumentId = claim.Entry.DocumentId,
            BaseVersion = claim.Entry.Version,
            Claim = claim,
            MediaType = attempt.MediaType!,
            Title = Title(claim.Document, document),
            Size = attempt.Content!.Length,
            SeenAt = attempt.Content.ReadAt,
            ContentHash = attempt.Content.Hash,
            PipelineFingerprint = Fingerprint,
            Metadata = document.Metadata,
            Chunks = chunks,
            Tables = document.Tables,
            EmbeddingModel = _embedder.Model,
            Analyzer = _options.Analyzer,
        };

    private static string Title(SourceDocument listed, StructuredDocument document)
    {
        if (!string.IsNullOrWhiteSpace(listed.Title ?? document.Title))
        {
            return (listed.Title ?? document.Title)!.Trim();
        }

        var name = Path.GetFileNameWithoutExtension(listed.Name);
        return name.Length > 0 ? name : listed.Name;
    }
}
