using Microsoft.Data.Sqlite;
using Slipway.Agents.Turns;
using Slipway.Internal;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>How a turn stands, by its row: one that is running by its status may have lost whoever ran it.</summary>
internal sealed class SqliteTurnState(SqliteDatabase database, ProcessIdentity process)
{
    /// <summary>What <see cref="Read"/> reads. The release before holds no lease and has no token.</summary>
    public const string Columns =
        "status, owner, started_at, case when fencing_token > 0 then coalesce(lease_expires_at, 0) end";

    public string Owner { get; } = process.ToString();

    /// <summary>The status in a column that is followed by the others of <see cref="Columns"/>.</summary>
    public TurnStatus Read(SqliteDataReader row, int column)
    {
        var status = Enum.TryParse<TurnStatus>(row.GetString(column), out var parsed) ? parsed : TurnStatus.Failed;
        return
            status == TurnStatus.Running
            && IsAbandoned(row.NullableString(column + 1) ?? "", row.Time(column + 2), row.NullableInt64(column + 3))
            ? TurnStatus.Interrupted
            : status;
    }

    private bool IsAbandoned(string owner, DateTimeOffset startedAt, long? leaseExpiresAt) =>
        leaseExpiresAt is { } end
            ? end <= database.Now || process.IsGone(owner)
            : !process.MayBeAlive(owner, database.Time.GetUtcNow() - startedAt);
}
