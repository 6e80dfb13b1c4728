namespace Slipway.Rag.Retrieval.Filters.Internal;

/// <summary>In what the SQL of filters differs between engines.</summary>
/// <param name="Schema">What stands before the name of a table.</param>
/// <param name="Time">What the times of <c>documents</c> are compared with, from Unix milliseconds.</param>
internal sealed record FilterDialect(string Schema, Func<long, object> Time)
{
    private static readonly long LastMillisecond = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static FilterDialect Sqlite { get; } = new("", milliseconds => milliseconds);

    /// <summary>The time after the last one is the driver's infinity.</summary>
    public static FilterDialect Postgres { get; } =
        new(
            "slipway.",
            milliseconds =>
                milliseconds > LastMillisecond
                    ? DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc)
                    : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime
        );
}
