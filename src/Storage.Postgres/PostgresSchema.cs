using Npgsql;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>The database's schema, for deployments that migrate before they start the application.</summary>
/// <remarks>
/// The application does the same at its first use unless <see cref="PostgresStorageOptions.Migrate"/> is off. The connection is
/// <see cref="PostgresStorageOptions.DirectConnectionString"/>, or else <see cref="PostgresStorageOptions.ConnectionString"/>.
/// </remarks>
public static class PostgresSchema
{
    /// <summary>The migrations that the database lacks, in order, with the statements that would run. Changes nothing.</summary>
    /// <param name="options">Where the database is.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="SlipwayException">The database cannot be reached, or a newer release has migrated it.</exception>
    public static Task<IReadOnlyList<StoreMigration>> FindPendingAsync(
        PostgresStorageOptions options,
        CancellationToken cancellationToken = default
    ) => RunAsync(options, PostgresMigrations.FindPendingAsync, cancellationToken);

    /// <summary>
    /// Applies what the database lacks, all of it or nothing, in one transaction under an advisory lock. Needs the rights of the schema's
    /// owner.
    /// </summary>
    /// <param name="options">Where the database is.</param>
    /// <param name="cancellationToken">Cancels and rolls back.</param>
    /// <exception cref="SlipwayException">The database cannot be reached, refuses, or was migrated by a newer release.</exception>
    public static Task MigrateAsync(PostgresStorageOptions options, CancellationToken cancellationToken = default) =>
        RunAsync(
            options,
            async (connection, target, cancellation) =>
            {
                await PostgresMigrations
                    .ApplyAsync(connection, mayMigrate: true, target, cancellation)
                    .ConfigureAwait(false);
                return true;
            },
            cancellationToken
        );

    private static async Task<T> RunAsync<T>(
        PostgresStorageOptions options,
        Func<NpgsqlConnection, string, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var connectionString = PostgresConnectionString.ParseDirect(options) ?? PostgresConnectionString.Parse(options);
        var target = PostgresConnectionString.Describe(connectionString);
        try
        {
            var connection = new NpgsqlConnection(connectionString);
            await using (connection.ConfigureAwait(false))
            {
                await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
                return await work(connection, target, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (PostgresErrors.IsTheDatabases(exception))
        {
            throw PostgresErrors.Describe(exception, target);
        }
    }
}
