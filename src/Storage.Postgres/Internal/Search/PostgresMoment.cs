using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>What a snapshot is opened with, in one round trip: its transaction begins with this statement.</summary>
/// <param name="Index">The collection's index; null when nothing was ever published there.</param>
/// <param name="Pending">Ids of the documents that wait for a merge, ascending.</param>
/// <param name="HasGrants">Whether any document is not open to its whole tenant.</param>
internal sealed record PostgresMoment(PostgresIndex? Index, long[] Pending, bool HasGrants)
{
    public static async Task<PostgresMoment> ReadAsync(PostgresSession session, CollectionKey collection)
    {
        var reader = await session
            .QueryAsync(
                """
                select g.id, g.analyzer, g.bucket_size, g.merges, g.embedding_model, g.embedding_gaps,
                       array(select d.id from slipway.lexical_deltas d where d.index_id = g.id order by d.id),
                       exists (select from slipway.document_principals)
                from slipway.index_generations g
                where g.tenant = $1 and g.collection = $2 and g.state = 'live'
                """,
                collection.Tenant,
                collection.Collection
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                ? new PostgresMoment(
                    new PostgresIndex(
                        reader.GetInt64(0),
                        new TextAnalyzer(AnalyzerOptions.Parse(reader.GetString(1))),
                        reader.GetInt32(2),
                        reader.GetInt64(3),
                        new EmbeddingGeneration(reader.NullableString(4), reader.GetBoolean(5))
                    ),
                    reader.GetFieldValue<long[]>(6),
                    reader.GetBoolean(7)
                )
                : new PostgresMoment(null, [], false);
        }
    }
}
