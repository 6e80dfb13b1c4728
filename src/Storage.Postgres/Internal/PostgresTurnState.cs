using Npgsql;
using Slipway.Agents.Turns;
using Slipway.Internal;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>How a turn stands, by its row: one that is running by its status may have lost whoever ran it.</summary>
internal sealed class PostgresTurnState(PostgresDatabase database, ProcessIdentity process)
{
    /// <summary>What <see cref="Read"/> reads. The release before holds no lease and has no token.</summary>
    public const string Columns =
        "status, owner, started_at, case when fencing_token > 0 then coalesce(lease_expires_at, '-infinity') > slipway.now() end";

    public string Owner { get; } = process.ToString();

    /// <summary>The status in a column that is followed by the others of <see cref="Columns"/>.</summary>
    public TurnStatus Read(NpgsqlDataReader row, int column)
    {
        var status = Enum.TryParse<TurnStatus>(row.GetString(column), out var parsed) ? parsed : TurnStatus.Failed;
        return
            status == TurnStatus.Running
            && IsAbandoned(
                row.NullableString(column + 1) ?? "",
                row.Time(column + 2),
                row.IsDBNull(column + 3) ? null : row.GetBoolean(column + 3)
            )
            ? TurnStatus.Interrupted
            : status;
    }

    /// <summary>Whether an owner ran on this host and runs no more.</summary>
    public bool IsGone(string owner) => process.IsGone(owner);

    private bool IsAbandoned(string owner, DateTimeOffset startedAt, bool? isHeld) =>
        isHeld is { } held ? !held || IsGone(owner) : !process.MayBeAlive(owner, database.Time.GetUtcNow() - startedAt);
}
