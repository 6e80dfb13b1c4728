using System.Runtime.CompilerServices;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

// The worker: whatever is due is claimed, done and published.
public sealed partial class IngestionPipeline
{
    private async ValueTask WorkAsync(IngestionRun run, CancellationToken cancellationToken)
    {
        var held = new HeldClaims(_queue, _options.ClaimDuration, _time);
        await using (held.ConfigureAwait(false))
        {
            run.Held = held;
            run.Finished = new FinishedDocuments(
                (documents, token) => PublishAsync(run, documents, token),
                (documents, token) => NoteSeenAsync(run, documents, token),
                held
            );
            await Parallel
                .ForEachAsync(
                    ClaimAsync(run, cancellationToken),
                    new ParallelOptions
                    {
                        MaxDegreeOfParallelism = _options.MaxConcurrency,
                        CancellationToken = cancellationToken,
                    },
                    (claim, token) => ProcessAsync(run, claim, token)
                )
                .ConfigureAwait(false);
            await run.Finished.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What is due, a few at a time: others shall find work too, and nothing is held long before its turn comes.</summary>
    private async IAsyncEnumerable<DocumentClaim> ClaimAsync(
        IngestionRun run,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        while (true)
        {
            var claims = await _queue
                .ClaimAsync(
                    run.Collection,
                    run.Owner,
                    _options.ClaimedAtOnce,
                    _options.ClaimDuration,
                    run.Source.Name,
                    cancellationToken
                )
                .ConfigureAwait(false);
            run.Held.Add(claims);
            // The clocks of hosts and of the database may differ: what is not due here is left for later.
            var due = claims.Where(claim => !(claim.Entry.NextActionAt > _time.GetUtcNow())).ToList();
            await run.Held.ReturnAsync([.. claims.Except(due)]).ConfigureAwait(false);
            if (due.Count == 0)
            {
                yield break;
            }

            run.Claimed(due.Count);
            foreach (var claim in due)
            {
                yield return claim;
            }
        }
    }

    private async Task PublishAsync(
        IngestionRun run,
        IReadOnlyList<FinishedDocument> documents,
        CancellationToken cancellationToken
    )
    {
        IReadOnlyList<(string DocumentId, int Version)?> published;
        try
        {
            published = await _store
                .PublishBatchAsync([.. documents.Select(document => document.Publication)], cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (IsDocumentError(exception, cancellationToken))
        {
            if (documents.Count > 1)
            {
                // One of them may be what the database refuses: the others shall not suffer for it.
                foreach (var document in documents)
                {
                    await PublishAsync(run, [document], cancellationToken).ConfigureAwait(false);
                }
            }
            else
            {
                var publication = documents[0].Publication;
                await FailAsync(run, publication.Claim!, publication.SeenAt, exception, cancellationToken)
                    .ConfigureAwait(false);
            }

            return;
        }

        foreach (var (document, result) in documents.Zip(published))
        {
            if (result is null)
            {
                run.CountUnchanged(); // somebody else has just done the same work
            }
            else if (run.CountPublished(document) % _options.MergeAfter == 0)
            {
                await _index.MergeAsync(run.Collection, cancellationToken).ConfigureAwait(false);
            }

            run.Done(document.Publication.Document.Name);
        }
    }

    private async Task NoteSeenAsync(
        IngestionRun run,
        IReadOnlyList<(DocumentClaim Claim, DateTimeOffset SeenAt)> documents,
        CancellationToken cancellationToken
    )
    {
        await _store
            .MarkSeenAsync(
                run.Collection,
                run.Source.Name,
                [.. documents.Select(one => (one.Claim.Entry.DocumentId, one.Claim.Document, one.SeenAt))],
                cancellationToken
            )
            .ConfigureAwait(false);
        foreach (var (claim, _) in documents)
        {
            run.CountUnchanged();
            run.Done(claim.Document.Name);
        }
    }
}
