using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>The file's schema, for verbs.</summary>
internal sealed class SqliteStoreSchema(SqliteDatabase database) : IStoreSchema
{
    public ValueTask<IReadOnlyList<StoreMigration>> FindPendingAsync(CancellationToken cancellationToken = default) =>
        new(database.Guard(() => SqliteMigrations.FindPending(database.Path)));

    public ValueTask MigrateAsync(CancellationToken cancellationToken = default) =>
        database.OpenAsync(cancellationToken);
}
