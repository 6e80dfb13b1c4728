using System.Collections.Concurrent;
using Npgsql;
using Pgvector;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>The nearest chunks by the stored vectors of a model. Thread-safe: shared by all queries of a process.</summary>
internal sealed class PostgresVectors(TimeProvider time)
{
    private const int Breadth = 5;

    // Whether there is an index, and how large, changes rarely, and a wrong guess costs time only.
    private static readonly TimeSpan StateIsKept = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, State> _states = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<CollectionKey, (long Chunks, long ReadAt)> _sizes = new();

    /// <summary>The nearest chunks, best first.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="collection">Where is searched.</param>
    /// <param name="scope">What may be found.</param>
    /// <param name="model">The model's fingerprint.</param>
    /// <param name="vector">The query.</param>
    /// <param name="count">How many; as many come back when there are so many.</param>
    /// <exception cref="SlipwayException">The vector is of another dimension than the model's.</exception>
    public async Task<IReadOnlyList<ScoredChunk>> NearestAsync(
        PostgresSession session,
        CollectionKey collection,
        PostgresDocumentScope scope,
        string model,
        ReadOnlyMemory<float> vector,
        int count
    )
    {
        if (await FindStateAsync(session, model).ConfigureAwait(false) is not { } state)
        {
            return [];
        }

        if (vector.Length != state.Column.Dimensions)
        {
            throw PostgresEmbeddings.Mismatch(model, vector.Length, state.Column.Dimensions);
        }

        var query = new Vector(vector);
        var matching =
            state.Indexed > 0
                ? await scope.EstimateChunksAsync(() => CountChunksAsync(session, collection)).ConfigureAwait(false)
                : 0;
        var plan = PostgresVectorPlan.Choose(count, matching, state.Indexed);
        while (plan.Candidates is { } candidates)
        {
            var found = await IndexedAsync(session, scope, state.Column, query, count, candidates)
                .ConfigureAwait(false);
            if (found.Count == count)
            {
                return found;
            }

            plan = plan.Wider(matching);
        }

        return await ExactAsync(session, scope, state.Column, query, count).ConfigureAwait(false);
    }

    /// <summary>Forgets what is known of indexes; one was built.</summary>
    public void Forget()
    {
        _states.Clear();
        _sizes.Clear();
    }

    private static async Task<IReadOnlyList<ScoredChunk>> IndexedAsync(
        PostgresSession session,
        PostgresDocumentScope scope,
        EmbeddingColumn column,
        Vector query,
        int count,
        int candidates
    )
    {
        // Under a filter the right ones may be far down the list, where the index is less sure: a list several times as long finds them. It may
        // be at most 1,000 long; for more the search goes on from where it was.
        var kept = Math.Clamp(candidates == count ? count + (count / 2) : candidates * Breadth, 100, 1000);
        session.Queue(
            """
            select set_config('hnsw.ef_search', $1, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
                   set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)
            """,
            kept.ToString(System.Globalization.CultureInfo.InvariantCulture)
        );
        var statement = scope.Statement(byDocument: true);
        var vector = statement.Add(query);
        return await ReadAsync(
                session,
                $"""
                with nearest as materialized (
                    select e.content_hash, e.vector <=> {vector} as distance
                    from slipway.embeddings e
                    where e.model = {column.ModelLiteral}
                    order by e.vector::{column.Type} <=> {vector}::{column.Type}
                    limit {statement.Add(candidates)})
                select d.id, c.ordinal, 1 - n.distance
                from nearest n
                join slipway.chunks c on c.content_hash = n.content_hash
                join slipway.documents d on d.id = c.document_id
                where {statement.Condition}
                order by n.distance, d.id, c.ordinal
                limit {statement.Add(count)}
                """,
                statement
            )
            .ConfigureAwait(false);
    }

    private static Task<IReadOnlyList<ScoredChunk>> ExactAsync(
        PostgresSession session,
        PostgresDocumentScope scope,
        EmbeddingColumn column,
        Vector query,
        int count
    )
    {
        session.Queue("select set_config('enable_seqscan', 'on', true), set_config('jit', 'off', true)");
        var statement = scope.Statement(byDocument: false);
        var vector = statement.Add(query);
        return ReadAsync(
            session,
            $"""
            select d.id, c.ordinal, 1 - (e.vector <=> {vector})
            from slipway.documents d
            join slipway.chunks c on c.document_id = d.id
            join slipway.embeddings e on e.content_hash = c.content_hash and e.model = {column.ModelLiteral}
            where {statement.Condition}
            order by e.vector <=> {vector}, d.id, c.ordinal
            limit {statement.Add(count)}
            """,
            statement
        );
    }

    private static async Task<IReadOnlyList<ScoredChunk>> ReadAsync(
        PostgresSession session,
        string sql,
        ScopedStatement statement
    )
    {
        var reader = await session.QueryAsync(sql, statement.Arguments).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            await reader.NextResultAsync(session.CancellationToken).ConfigureAwait(false); // past the settings
            var nearest = new List<ScoredChunk>();
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                // A vector without direction is near to nothing: not a number, which PostgreSQL orders last.
                if (reader.GetDouble(2) is var similarity && !double.IsNaN(similarity))
                {
                    nearest.Add(new ScoredChunk(reader.GetString(0), reader.GetInt32(1), similarity));
                }
            }

            return nearest;
        }
    }

    private async Task<long> CountChunksAsync(PostgresSession session, CollectionKey collection)
    {
        if (!_sizes.TryGetValue(collection, out var size) || time.GetElapsedTime(size.ReadAt) >= StateIsKept)
        {
            var chunks = (long)
                (
                    await session
                        .ScalarAsync(
                            "select coalesce(sum(chunk_count), 0) from slipway.documents where tenant = $1 and collection = $2",
                            collection.Tenant,
                            collection.Collection
                        )
                        .ConfigureAwait(false)
                )!;
            _sizes[collection] = size = (chunks, time.GetTimestamp());
        }

        return size.Chunks;
    }

    private async Task<State?> FindStateAsync(PostgresSession session, string model)
    {
        if (_states.TryGetValue(model, out var state) && time.GetElapsedTime(state.ReadAt) < StateIsKept)
        {
            return state;
        }

        var name = new EmbeddingColumn(model, 0).IndexName;
        var reader = await session
            .QueryAsync(
                """
                select m.dimensions, coalesce((
                    select c.reltuples from pg_class c join pg_index i on i.indexrelid = c.oid
                    where c.oid = to_regclass('slipway.' || $2) and i.indisvalid), 0)
                from slipway.embedding_models m
                where m.model = $1
                """,
                model,
                name
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                ? _states[model] = new State(
                    new EmbeddingColumn(model, reader.GetInt32(0)),
                    (long)reader.GetFloat(1),
                    time.GetTimestamp()
                )
                : null;
        }
    }

    /// <param name="Column">The model's vectors.</param>
    /// <param name="Indexed">Vectors in the index, about; 0 when there is none.</param>
    /// <param name="ReadAt">Timestamp.</param>
    private sealed record State(EmbeddingColumn Column, long Indexed, long ReadAt);
}
