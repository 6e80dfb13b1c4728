using Slipway.Rag.Embedding;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

// What is done with documents.
public sealed partial class IngestionPipeline
{
    /// <summary>From the source to chunks.</summary>
    /// <returns>Whether there is something to publish: false for content that is what it was, and for a document that failed.</returns>
    private async ValueTask<bool> ReadAndChunkAsync(
        IngestionRun run,
        Attempt attempt,
        CancellationToken cancellationToken
    )
    {
        using var turn = await run.Reading.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            attempt.Content = await OpenAsync(run.Source, attempt.Claim.Document, cancellationToken)
                .ConfigureAwait(false);
            run.AddBytes(attempt.Content.Length);
            if (!IsSameContent(attempt.Claim, attempt.Content))
            {
                attempt.Document = await ReadAsync(attempt, cancellationToken).ConfigureAwait(false);
                attempt.Chunks = Chunk(attempt.Document);
                return true;
            }
        }
        catch (Exception exception) when (IsDocumentError(exception, cancellationToken))
        {
            await FailAsync(run, attempt, exception, cancellationToken).ConfigureAwait(false);
            return false;
        }
        finally
        {
            attempt.Content?.Dispose();
        }

        var same = new FinishedDocument(attempt, null, 0);
        await run.Finished.AddAsync(same, cancellationToken).ConfigureAwait(false);
        return false;
    }

    /// <summary>From chunks to the batch that is written next.</summary>
    private async ValueTask EmbedAndFinishAsync(
        IngestionRun run,
        IReadOnlyList<Attempt> attempts,
        CancellationToken cancellationToken
    )
    {
        if (attempts.Count == 0)
        {
            return;
        }

        IReadOnlyList<EmbeddedDocument> embedded;
        using (await run.Embedding.EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            embedded = await _embedder
                .EmbedMissingAsync(
                    [.. attempts.Select(attempt => attempt.Chunks)],
                    run.AddTokens,
                    exception => IsDocumentError(exception, cancellationToken),
                    cancellationToken
                )
                .ConfigureAwait(false);
        }

        foreach (var (attempt, (made, error)) in attempts.Zip(embedded))
        {
            if (error is null)
            {
                var publication = Publication(attempt);
                await run
                    .Finished.AddAsync(new FinishedDocument(attempt, publication, made), cancellationToken)
                    .ConfigureAwait(false);
            }
            else if (attempts.Count > 1 && Describe(error).Class == ErrorClass.Permanent)
            {
                // One of them is what the model refuses: the others shall not suffer for it.
                await EmbedAndFinishAsync(run, [attempt], cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await FailAsync(run, attempt, error, cancellationToken).ConfigureAwait(false);
            }
        }
    }

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

    private async ValueTask<StructuredDocument> ReadAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        var (content, listed) = (attempt.Content!, attempt.Claim.Document);
        attempt.MediaType = MediaTypes.Detect(listed.Name, content.Head, listed.MediaType);
        var context = new ReadingContext
        {
            Name = listed.Name,
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

    private DocumentPublication Publication(Attempt attempt)
    {
        var given = DocumentTitle.Given(attempt.Claim.Document.Title, attempt.Document.Title);
        return new()
        {
            Collection = attempt.Claim.Collection,
            Source = attempt.Claim.Source,
            Document = attempt.Claim.Document,
            DocumentId = attempt.Claim.Entry.DocumentId,
            BaseVersion = attempt.Claim.Entry.Version,
            Claim = attempt.Claim,
            MediaType = attempt.MediaType!,
            Title = given ?? DocumentTitle.FromName(attempt.Claim.Document.Name),
            IsTitleDerived = given is null,
            Size = attempt.Content!.Length,
            SeenAt = attempt.Content.ReadAt,
            ContentHash = attempt.Content.Hash,
            PipelineFingerprint = Fingerprint,
            Metadata = attempt.Document.Metadata,
            Chunks = attempt.Chunks,
            Tables = attempt.Document.Tables,
            EmbeddingModel = _embedder.Model,
            Analyzer = _options.Analyzer,
        };
    }
}
