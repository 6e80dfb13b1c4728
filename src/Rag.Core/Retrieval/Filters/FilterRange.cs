namespace Slipway.Rag.Retrieval.Filters;

/// <summary>A range of numbers or times. Every bound that is given must hold; one at least is given.</summary>
/// <typeparam name="T"><see cref="double"/> or <see cref="DateTimeOffset"/>.</typeparam>
/// <example><c>new FilterRange&lt;double&gt; { AtLeast = 2020, LessThan = 2025 }</c></example>
public readonly record struct FilterRange<T>
    where T : struct, IComparable<T>
{
    /// <summary>This or more.</summary>
    public T? AtLeast { get; init; }

    /// <summary>More than this.</summary>
    public T? GreaterThan { get; init; }

    /// <summary>This or less.</summary>
    public T? AtMost { get; init; }

    /// <summary>Less than this.</summary>
    public T? LessThan { get; init; }

    internal bool HasBound =>
        AtLeast is not null || GreaterThan is not null || AtMost is not null || LessThan is not null;

    internal bool AllBounds(Func<T, bool> holds) =>
        (AtLeast is not { } atLeast || holds(atLeast))
        && (GreaterThan is not { } greaterThan || holds(greaterThan))
        && (AtMost is not { } atMost || holds(atMost))
        && (LessThan is not { } lessThan || holds(lessThan));
}
