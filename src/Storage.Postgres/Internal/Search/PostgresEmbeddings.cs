using Pgvector;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>Writes embeddings and knows the dimension that each model began with.</summary>
internal static class PostgresEmbeddings
{
    /// <summary>Keeps embeddings that are not there yet.</summary>
    /// <exception cref="SlipwayException">The vectors are not all of the model's dimension; nothing is kept then.</exception>
    public static async Task SaveAsync(
        PostgresSession session,
        string model,
        IReadOnlyList<(string ContentHash, ReadOnlyMemory<float> Vector)> embeddings,
        DateTimeOffset now
    )
    {
        if (embeddings.Count == 0)
        {
            return;
        }

        // In one order for everybody: two writers of the same chunks wait for each other instead of blocking each other.
        var ordered = embeddings.OrderBy(embedding => embedding.ContentHash, StringComparer.Ordinal).ToList();
        session.Queue(
            """
            insert into slipway.embedding_models (model, dimensions, created_at) values ($1, $2, $3)
            on conflict (model) do nothing
            """,
            model,
            ordered[0].Vector.Length,
            now
        );
        session.Queue(
            """
            insert into slipway.embeddings (content_hash, model, dimensions, vector, created_at)
            select hash, $1, vector_dims(vector), vector, $4 from unnest($2::text[], $3) as new (hash, vector)
            on conflict (content_hash, model) do nothing
            """,
            model,
            ordered.Select(embedding => embedding.ContentHash).ToArray(),
            ordered.Select(embedding => new Vector(embedding.Vector)).ToArray(),
            now
        );
        var dimensions = (int)
            (
                await session
                    .ScalarAsync("select dimensions from slipway.embedding_models where model = $1", model)
                    .ConfigureAwait(false)
            )!;
        if (ordered.Find(embedding => embedding.Vector.Length != dimensions) is { ContentHash: not null } other)
        {
            throw Mismatch(model, other.Vector.Length, dimensions);
        }
    }

    /// <summary>The error of a vector that does not fit the stored ones.</summary>
    public static SlipwayException Mismatch(string model, int given, int stored) =>
        new(
            ErrorClass.Configuration,
            $"The model '{model}' gave a vector of {given} dimensions; the database holds vectors of {stored} under that name.",
            "Give the model the dimension that the collection was embedded with, or embed the collection anew under another model name."
        );
}
