using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>The database's schema, for verbs. It migrates where <see cref="PostgresStorageOptions.Migrate"/> is off too: it was asked to.</summary>
internal sealed class PostgresStoreSchema(PostgresDatabase database) : IStoreSchema
{
    public async ValueTask<IReadOnlyList<StoreMigration>> FindPendingAsync(
        CancellationToken cancellationToken = default
    ) =>
        await database
            .GuardAsync(async () =>
            {
                var connection = await database.OpenDirectAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    return await PostgresMigrations
                        .FindPendingAsync(connection, database.Target, cancellationToken)
                        .ConfigureAwait(false);
                }
            })
            .ConfigureAwait(false);

    public async ValueTask MigrateAsync(CancellationToken cancellationToken = default) =>
        await database
            .GuardAsync(async () =>
            {
                var connection = await database.OpenDirectAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    await PostgresMigrations
                        .ApplyAsync(connection, mayMigrate: true, database.Target, cancellationToken)
                        .ConfigureAwait(false);
                    return true;
                }
            })
            .ConfigureAwait(false);
}
