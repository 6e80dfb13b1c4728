using Npgsql;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>How values stand in columns.</summary>
internal static class Columns
{
    /// <summary>A time in the grain that every engine keeps: milliseconds, UTC.</summary>
    public static DateTimeOffset Grain(DateTimeOffset time) =>
        DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

    /// <inheritdoc cref="Grain(DateTimeOffset)"/>
    public static DateTimeOffset? Grain(DateTimeOffset? time) => time is { } known ? Grain(known) : null;

    /// <summary>A time of a client's mark; one that no calendar has comes after all others.</summary>
    public static DateTimeOffset FromMilliseconds(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(
            Math.Clamp(
                milliseconds,
                DateTimeOffset.MinValue.ToUnixTimeMilliseconds(),
                DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            )
        );

    public static string? NullableString(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);

    public static long? NullableInt64(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public static DateTimeOffset Time(this NpgsqlDataReader reader, int column) =>
        reader.GetFieldValue<DateTimeOffset>(column);

    public static DateTimeOffset? NullableTime(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);

    public static DateTimeOffset? NullableTicks(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : new DateTimeOffset(reader.GetInt64(column), TimeSpan.Zero);
}
