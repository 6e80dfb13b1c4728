namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>What is stored always has the same times; pauses take as long as they take.</summary>
internal sealed class FixedClock : TimeProvider
{
    private static readonly DateTimeOffset Moment = new(2026, 6, 1, 8, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Moment;
}
