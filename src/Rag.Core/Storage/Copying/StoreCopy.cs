using System.Globalization;

namespace Slipway.Rag.Storage.Copying;

/// <summary>Copies a whole store to an empty one, of the same engine or another.</summary>
/// <remarks>
/// Rows are streamed; memory is bounded by a batch and the largest row. Everything that is read belongs to one moment, so the source may go
/// on working, but what it does after the start is not copied. A copy that was interrupted goes on where it stopped: copied rows are
/// committed in the order of their keys. At the end both sides are read again and compared.
/// </remarks>
public sealed class StoreCopy
{
    // A batch is one transaction: large enough that its overhead vanishes, small enough for memory.
    private const int BatchRows = 1_000;
    private const int BatchBytes = 4 * 1024 * 1024;

    private readonly IStoreTables _source;
    private readonly IStoreTables _target;
    private readonly IProgress<StoreCopyProgress>? _progress;

    /// <summary>A copy; nothing is touched yet.</summary>
    /// <param name="source">What is copied; stays the caller's.</param>
    /// <param name="target">Where to; stays the caller's.</param>
    /// <param name="progress">Told after each batch; null for nobody.</param>
    public StoreCopy(IStoreTables source, IStoreTables target, IProgress<StoreCopyProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        (_source, _target, _progress) = (source, target, progress);
    }

    /// <summary>Copies, or goes on copying, and compares.</summary>
    /// <returns>Each table with its rows and their hash, equal on both sides.</returns>
    /// <exception cref="SlipwayException">
    /// The target is not empty, the two sides are the same store, or they differ at the end because the source went on between two runs.
    /// </exception>
    public async Task<IReadOnlyList<StoreCopyTable>> RunAsync(CancellationToken cancellationToken = default)
    {
        if (_source.Name == _target.Name)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"Source and target are the same store, {_source.Name}.",
                "Name another store to copy to."
            );
        }

        var source = await _source.OpenReaderAsync(cancellationToken).ConfigureAwait(false);
        await using (source.ConfigureAwait(false))
        {
            await _target.BeginCopyAsync(_source.Name, cancellationToken).ConfigureAwait(false);
            foreach (var table in StoreTable.All)
            {
                await CopyAsync(source, table, cancellationToken).ConfigureAwait(false);
            }

            await _target.CompleteAsync(cancellationToken).ConfigureAwait(false);
            var tables = await CompareAsync(source, cancellationToken).ConfigureAwait(false);
            await _target.EndCopyAsync(_source.Name, cancellationToken).ConfigureAwait(false);
            return tables;
        }
    }

    private async Task CopyAsync(IStoreTablesReader source, StoreTable table, CancellationToken cancellationToken)
    {
        var total = await source.CountAsync(table, cancellationToken).ConfigureAwait(false);
        var (last, done) = await FindPlaceAsync(table, cancellationToken).ConfigureAwait(false);
        List<object?[]> batch = [];
        var bytes = 0L;
        await foreach (var row in source.ReadAsync(table, last, cancellationToken).ConfigureAwait(false))
        {
            batch.Add(row);
            bytes += row.Sum(Size);
            if (batch.Count >= BatchRows || bytes >= BatchBytes)
            {
                await WriteAsync().ConfigureAwait(false);
            }
        }

        await WriteAsync().ConfigureAwait(false);

        async Task WriteAsync()
        {
            if (batch.Count == 0)
            {
                return;
            }

            await _target.WriteAsync(table, batch, cancellationToken).ConfigureAwait(false);
            done += batch.Count;
            batch = [];
            bytes = 0;
            _progress?.Report(new StoreCopyProgress(StoreCopyStep.Copying, table.Name, done, total));
        }
    }

    private async Task<(object?[]? Last, long Rows)> FindPlaceAsync(
        StoreTable table,
        CancellationToken cancellationToken
    )
    {
        var target = await _target.OpenReaderAsync(cancellationToken).ConfigureAwait(false);
        await using (target.ConfigureAwait(false))
        {
            return await target.FindLastKeyAsync(table, cancellationToken).ConfigureAwait(false) is { } last
                ? (last, await target.CountAsync(table, cancellationToken).ConfigureAwait(false))
                : (null, 0);
        }
    }

    private async Task<IReadOnlyList<StoreCopyTable>> CompareAsync(
        IStoreTablesReader source,
        CancellationToken cancellationToken
    )
    {
        List<StoreCopyTable> tables = [];
        List<string> different = [];
        var target = await _target.OpenReaderAsync(cancellationToken).ConfigureAwait(false);
        await using (target.ConfigureAwait(false))
        {
            foreach (var table in StoreTable.All)
            {
                var ours = await RowHash.OfAsync(source, table, cancellationToken).ConfigureAwait(false);
                var theirs = await RowHash.OfAsync(target, table, cancellationToken).ConfigureAwait(false);
                tables.Add(ours);
                if (ours != theirs)
                {
                    different.Add(
                        string.Create(CultureInfo.InvariantCulture, $"{table} ({ours.Rows} rows, {theirs.Rows} copied)")
                    );
                }

                _progress?.Report(new StoreCopyProgress(StoreCopyStep.Comparing, table.Name, ours.Rows, ours.Rows));
            }
        }

        return different is []
            ? tables
            : throw new SlipwayException(
                ErrorClass.Permanent,
                $"The copy differs from {_source.Name} in {string.Join(", ", different)}: one of the two was written to since the copy began.",
                $"Empty {_target.Name} and copy again, with nothing writing to either."
            );
    }

    private static long Size(object? value) =>
        value switch
        {
            string text => text.Length * sizeof(char),
            byte[] content => content.Length,
            float[] vector => vector.Length * sizeof(float),
            _ => sizeof(long),
        };
}

/// <summary>What a copy is doing.</summary>
public enum StoreCopyStep
{
    /// <summary>Rows go over.</summary>
    Copying,

    /// <summary>Both sides are read and compared.</summary>
    Comparing,
}

/// <summary>How far a copy is.</summary>
/// <param name="Step">What it is doing.</param>
/// <param name="Table">With which table.</param>
/// <param name="Rows">Rows that are done, those of an interrupted run included.</param>
/// <param name="Total">Rows there are.</param>
public sealed record StoreCopyProgress(StoreCopyStep Step, string Table, long Rows, long Total);

/// <summary>A table that is equal on both sides.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Hash">SHA-256 of all rows in the order of their key, lower-case hexadecimal.</param>
public sealed record StoreCopyTable(string Table, long Rows, string Hash);
