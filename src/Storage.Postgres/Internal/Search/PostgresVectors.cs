using Pgvector;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>The nearest chunks by the stored vectors of one model.</summary>
internal static class PostgresVectors
{
    public static async Task<IReadOnlyList<ScoredChunk>> NearestAsync(
        PostgresSession session,
        PostgresDocumentScope scope,
        string model,
        ReadOnlyMemory<float> vector,
        int count
    )
    {
        var statement = scope.Statement(byDocument: false);
        var query = statement.Add(new Vector(vector));
        var reader = await session
            .QueryAsync(
                $"""
                select d.id, c.ordinal, 1 - (e.vector <=> {query})
                from slipway.documents d
                join slipway.chunks c on c.document_id = d.id
                join slipway.embeddings e on e.content_hash = c.content_hash and e.model = {statement.Add(model)}
                where {statement.Condition}
                order by e.vector <=> {query}, d.id, c.ordinal
                limit {statement.Add(count)}
                """,
                statement.Arguments
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var nearest = new List<ScoredChunk>(count);
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
}
