using System.Runtime.CompilerServices;
using Slipway.Internal;
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
            await TakeOverAsync(run, cancellationToken).ConfigureAwait(false);
            using var finished = new FinishedDocuments(
                documents => WriteAsync(run, documents, cancellationToken),
                sideBySide: run.Lanes > 1
            );
            run.Finished = finished;
            try
            {
                await Parallel
                    .ForEachAsync(
                        ClaimAsync(run, cancellationToken),
                        new ParallelOptions
                        {
                            MaxDegreeOfParallelism = run.Lanes,
                            CancellationToken = cancellationToken,
                        },
                        (claims, token) => ProcessAsync(run, claims, token)
                    )
                    .ConfigureAwait(false);
                await finished.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                await finished.SettleAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Whoever starts a program again after it was killed shall not wait until its claims expire.</summary>
    private async ValueTask TakeOverAsync(IngestionRun run, CancellationToken cancellationToken)
    {
        foreach (var owner in await _queue.ListOwnersAsync(run.Collection, cancellationToken).ConfigureAwait(false))
        {
            if (ProcessIdentity.Current.IsGone(owner))
            {
                await _queue.ReleaseAsync(run.Collection, owner, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// What is due, a few at a time: others shall find work too, and nothing is held long before its turn comes. What is claimed at once is
    /// divided among as many as read at the same time: each part is embedded together.
    /// </summary>
    private async IAsyncEnumerable<IReadOnlyList<DocumentClaim>> ClaimAsync(
        IngestionRun run,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        while (run.Spent is null)
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
            foreach (var part in due.Chunk((due.Count + _options.MaxConcurrency - 1) / _options.MaxConcurrency))
            {
                yield return part;
            }
        }
    }

    private async Task WriteAsync(
        IngestionRun run,
        IReadOnlyList<FinishedDocument> documents,
        CancellationToken cancellationToken
    )
    {
        var changed = documents.Where(document => document.Publication is not null).ToList();
        var same = documents.Where(document => document.Publication is null).ToList();
        if (changed.Count > 0)
        {
            await PublishAsync(run, changed, cancellationToken).ConfigureAwait(false);
        }

        if (same.Count > 0)
        {
            await NoteSeenAsync(run, same, cancellationToken).ConfigureAwait(false);
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
                .PublishBatchAsync([.. documents.Select(document => document.Publication!)], cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception)
            // A database that is away ends the run: to try one by one would only wait for it as many times.
            when (IsDocumentError(exception, cancellationToken) && Describe(exception).Class == ErrorClass.Permanent)
        {
            if (documents is [var refused])
            {
                await FailAsync(run, refused.Attempt, exception, cancellationToken).ConfigureAwait(false);
                return;
            }

            // One of them is what the database refuses: the others shall not suffer for it.
            foreach (var document in documents)
            {
                await PublishAsync(run, [document], cancellationToken).ConfigureAwait(false);
            }

            return;
        }

        foreach (var (document, result) in documents.Zip(published))
        {
            if (result is null)
            {
                run.CountUnchanged(); // somebody else has just done the same work
                run.Done(document.Attempt, "lost");
                continue;
            }

            if (run.CountPublished(document) % _options.MergeAfter == 0)
            {
                await _index.MergeAsync(run.Collection, cancellationToken).ConfigureAwait(false);
            }

            run.Done(document.Attempt, "published");
        }
    }

    private async Task NoteSeenAsync(
        IngestionRun run,
        IReadOnlyList<FinishedDocument> documents,
        CancellationToken cancellationToken
    )
    {
        var noted = await _store
            .NoteUnchangedAsync([.. documents.Select(one => (one.Claim, one.Attempt.SeenAt))], cancellationToken)
            .ConfigureAwait(false);
        foreach (var (document, isNoted) in documents.Zip(noted))
        {
            run.CountUnchanged();
            run.Done(document.Attempt, isNoted ? "unchanged" : "lost");
        }
    }
}
