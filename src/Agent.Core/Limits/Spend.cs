namespace Slipway.Agents.Limits;

/// <summary>Tokens and money.</summary>
/// <param name="Tokens">Input and output tokens together.</param>
/// <param name="Cost">Money in the currency of the prices, kept to a billionth.</param>
public readonly record struct Spend(long Tokens, decimal Cost)
{
    private const decimal Billion = 1_000_000_000;

    /// <summary>The money as stores keep it: whole billionths, rounded up.</summary>
    internal long Nanos => ToNanos(Cost);

    /// <summary>Adds two.</summary>
    public static Spend operator +(Spend left, Spend right) => new(left.Tokens + right.Tokens, left.Cost + right.Cost);

    /// <summary>The same as the operator.</summary>
    public static Spend Add(Spend left, Spend right) => left + right;

    internal static long ToNanos(decimal cost) => (long)Math.Ceiling(Math.Min(cost * Billion, long.MaxValue));

    internal static Spend FromNanos(long tokens, long nanos) => new(tokens, nanos / Billion);
}
