using Npgsql;
using NpgsqlTypes;
using Pgvector;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>Writes embeddings and knows the dimension that each model began with.</summary>
internal static class PostgresEmbeddings
{
    private const int WrittenAtOnce = 100;

    /// <summary>From so many embeddings on, COPY is tried. With an index, so many take some seconds.</summary>
    private const int CopiedAtOnce = 1000;

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
        var ordered = embeddings
            .DistinctBy(embedding => embedding.ContentHash)
            .OrderBy(embedding => embedding.ContentHash, StringComparer.Ordinal)
            .ToList();
        session.Queue(
            """
            insert into slipway.embedding_models (model, dimensions, created_at) values ($1, $2, $3)
            on conflict (model) do nothing
            """,
            model,
            ordered[0].Vector.Length,
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

        // In pieces: with an index each vector takes milliseconds, and the server is expected to be heard of in between.
        foreach (var copied in ordered.Chunk(CopiedAtOnce))
        {
            if (
                copied.Length < CopiedAtOnce
                || !await TryCopyAsync(session, model, dimensions, copied, now).ConfigureAwait(false)
            )
            {
                await InsertAsync(session, model, dimensions, copied, now).ConfigureAwait(false);
            }
        }
    }

    /// <summary>COPY cannot pass over what is there already: whoever saves only what is missing rarely meets it.</summary>
    private static async Task<bool> TryCopyAsync(
        PostgresSession session,
        string model,
        int dimensions,
        IEnumerable<(string ContentHash, ReadOnlyMemory<float> Vector)> embeddings,
        DateTimeOffset now
    )
    {
        session.Queue("savepoint embeddings");
        await session.FlushAsync().ConfigureAwait(false);
        try
        {
            await CopyAsync(session, model, dimensions, embeddings, now).ConfigureAwait(false);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            session.Queue("rollback to savepoint embeddings");
            return false;
        }

        session.Queue("release savepoint embeddings");
        return true;
    }

    private static async Task CopyAsync(
        PostgresSession session,
        string model,
        int dimensions,
        IEnumerable<(string ContentHash, ReadOnlyMemory<float> Vector)> embeddings,
        DateTimeOffset now
    )
    {
        var token = session.CancellationToken;
        var import = await session
            .Connection.BeginBinaryImportAsync(
                "copy slipway.embeddings (model, dimensions, created_at, content_hash, vector) from stdin (format binary)",
                token
            )
            .ConfigureAwait(false);
        await using (import.ConfigureAwait(false))
        {
            foreach (var (hash, vector) in embeddings)
            {
                await import.StartRowAsync(token).ConfigureAwait(false);
                await import.WriteAsync(model, NpgsqlDbType.Text, token).ConfigureAwait(false);
                await import.WriteAsync(dimensions, NpgsqlDbType.Integer, token).ConfigureAwait(false);
                await import.WriteAsync(now, NpgsqlDbType.TimestampTz, token).ConfigureAwait(false);
                await import.WriteAsync(hash, NpgsqlDbType.Text, token).ConfigureAwait(false);
                await import.WriteAsync(new Vector(vector), token).ConfigureAwait(false);
            }

            await import.CompleteAsync(token).ConfigureAwait(false);
        }
    }

    private static async Task InsertAsync(
        PostgresSession session,
        string model,
        int dimensions,
        IEnumerable<(string ContentHash, ReadOnlyMemory<float> Vector)> embeddings,
        DateTimeOffset now
    )
    {
        foreach (var part in embeddings.Chunk(WrittenAtOnce))
        {
            session.Queue(
                """
                insert into slipway.embeddings (model, dimensions, created_at, content_hash, vector)
                select $1, $2, $3, new.* from unnest($4::text[], $5) as new
                on conflict (content_hash, model) do nothing
                """,
                model,
                dimensions,
                now,
                Array.ConvertAll(part, embedding => embedding.ContentHash),
                Array.ConvertAll(part, embedding => new Vector(embedding.Vector))
            );
            await session.FlushAsync().ConfigureAwait(false);
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
