using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Opens files by <c>sqlite:PATH</c>, or by a path that ends in <c>.db</c>.</summary>
internal sealed class SqliteStoreProvider(TimeProvider time) : IStoreProvider
{
    private const string Scheme = "sqlite:";

    public string Example => "sqlite:slipway.db";

    public IStoreTables? TryOpen(string address)
    {
        var path =
            address.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? address[Scheme.Length..]
            : address.EndsWith(".db", StringComparison.OrdinalIgnoreCase) ? address
            : null;
        if (path is null)
        {
            return null;
        }

        // sqlite:///data/x.db is the absolute path /data/x.db, as other tools write it.
        path = path.StartsWith("//", StringComparison.Ordinal) ? path[2..] : path;
        return path is ""
            ? throw new SlipwayException(ErrorClass.Configuration, $"'{address}' names no file.", $"Write {Example}.")
            : new SqliteStoreTables(
                new SqliteDatabase(new SqliteStorageOptions { Path = path }, time),
                ownsDatabase: true
            );
    }
}
