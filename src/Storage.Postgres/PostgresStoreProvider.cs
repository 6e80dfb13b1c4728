using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>Opens databases by <c>postgres://…</c>, or by a connection string that names a host.</summary>
internal sealed class PostgresStoreProvider(TimeProvider time) : IStoreProvider
{
    public string Example => "postgres://user:password@host:5432/database";

    public IStoreTables? TryOpen(string address) =>
        address.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
        || address.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase)
        || address.StartsWith("Host=", StringComparison.OrdinalIgnoreCase)
            ? new PostgresStoreTables(
                new PostgresDatabase(new PostgresStorageOptions { ConnectionString = address }, time),
                ownsDatabase: true
            )
            : null;
}
