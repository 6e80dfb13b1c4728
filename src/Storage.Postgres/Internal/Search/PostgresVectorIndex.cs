using System.Globalization;
using Npgsql;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>
/// Builds the HNSW index of a model: beside all work (concurrently), around a pooler, one builder at a time in the whole database. Queries
/// are right without it; a build that was cut off leaves an index that no query uses, and the next build begins anew.
/// </summary>
internal static class PostgresVectorIndex
{
    /// <summary>Fewer vectors are compared faster than an index is worth.</summary>
    public const int LeastVectors = 10_000;

    // Any number that the migrations do not lock.
    private const long Lock = 0x736c_6970_686e_73;

    // A graph that outgrows maintenance_work_mem is built several times slower. Server memory, so there is a limit.
    private const long LeastMemory = 64L << 20;
    private const long MostMemory = 1L << 30;
    private const int BytesOfLinks = 512; // of a vector's neighbours at m = 16, and its tuple

    /// <summary>Builds what is missing for every model with enough vectors.</summary>
    /// <returns>How many indexes were built.</returns>
    public static async Task<int> BuildAsync(
        NpgsqlConnection connection,
        int leastVectors,
        CancellationToken cancellationToken
    )
    {
        if (
            await ScalarAsync(connection, $"select pg_try_advisory_lock({Lock})", cancellationToken)
                .ConfigureAwait(false)
            is not true
        )
        {
            return 0; // somebody else is at it
        }

        try
        {
            var built = 0;
            foreach (
                var column in await FindMissingAsync(connection, leastVectors, cancellationToken).ConfigureAwait(false)
            )
            {
                await BuildAsync(connection, column, cancellationToken).ConfigureAwait(false);
                built++;
            }

            return built;
        }
        finally
        {
            await ScalarAsync(connection, $"select pg_advisory_unlock({Lock})", CancellationToken.None)
                .ConfigureAwait(false);
        }
    }

    private static async Task<List<EmbeddingColumn>> FindMissingAsync(
        NpgsqlConnection connection,
        int leastVectors,
        CancellationToken cancellationToken
    )
    {
        var columns = new List<EmbeddingColumn>();
        var command = new NpgsqlCommand(
            """
            select m.model, m.dimensions
            from slipway.embedding_models m
            where (select count(*) from (select from slipway.embeddings e where e.model = m.model limit $1) counted) = $1
              and (select pg_has_role(relowner, 'usage') from pg_class where oid = 'slipway.embeddings'::regclass)
            order by m.model
            """,
            connection
        )
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = leastVectors } },
        };
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    columns.Add(new EmbeddingColumn(reader.GetString(0), reader.GetInt32(1)));
                }
            }
        }

        var missing = new List<EmbeddingColumn>();
        foreach (var column in columns.Where(column => column.IsIndexable))
        {
            if (await IsValidAsync(connection, column, cancellationToken).ConfigureAwait(false) is not true)
            {
                missing.Add(column);
            }
        }

        return missing;
    }

    private static async Task BuildAsync(
        NpgsqlConnection connection,
        EmbeddingColumn column,
        CancellationToken cancellationToken
    )
    {
        if (await IsValidAsync(connection, column, cancellationToken).ConfigureAwait(false) is false)
        {
            await ExecuteAsync(connection, $"drop index concurrently slipway.{column.IndexName}", cancellationToken)
                .ConfigureAwait(false);
        }

        var count = (long)
            (
                await ScalarAsync(
                        connection,
                        $"select count(*) from slipway.embeddings where model = {column.ModelLiteral}",
                        cancellationToken
                    )
                    .ConfigureAwait(false)
            )!;
        var memory = Math.Clamp(count * (column.IndexedBytes + BytesOfLinks), LeastMemory, MostMemory) >> 10;
        await ExecuteAsync(
                connection,
                string.Create(CultureInfo.InvariantCulture, $"set maintenance_work_mem = {memory}"),
                cancellationToken
            )
            .ConfigureAwait(false);
        try
        {
            try
            {
                await ExecuteAsync(connection, column.CreateIndex, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.DiskFull)
            {
                // Parallel workers share memory through /dev/shm, of which a container has 64 MB unless told otherwise. One process needs none.
                await ExecuteAsync(
                        connection,
                        $"drop index concurrently if exists slipway.{column.IndexName}",
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                await ExecuteAsync(connection, "set max_parallel_maintenance_workers = 0", cancellationToken)
                    .ConfigureAwait(false);
                await ExecuteAsync(connection, column.CreateIndex, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await ExecuteAsync(
                    connection,
                    "reset maintenance_work_mem; reset max_parallel_maintenance_workers",
                    CancellationToken.None
                )
                .ConfigureAwait(false);
        }
    }

    /// <summary>Null when there is no such index.</summary>
    private static async Task<bool?> IsValidAsync(
        NpgsqlConnection connection,
        EmbeddingColumn column,
        CancellationToken cancellationToken
    ) =>
        (bool?)
            await ScalarAsync(
                    connection,
                    $"select indisvalid from pg_index where indexrelid = to_regclass('slipway.{column.IndexName}')",
                    cancellationToken
                )
                .ConfigureAwait(false);

    private static async Task<object?> ScalarAsync(
        NpgsqlConnection connection,
        string sql,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand(sql, connection);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
