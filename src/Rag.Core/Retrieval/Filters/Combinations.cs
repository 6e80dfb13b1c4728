namespace Slipway.Rag.Retrieval.Filters;

/// <summary>See <see cref="SearchFilter.All"/>.</summary>
public sealed class AllFilter : SearchFilter
{
    internal AllFilter(IReadOnlyList<SearchFilter> filters)
        : base(Sum(filters).Depth, Sum(filters).Conditions, Sum(filters).Values) => Filters = [.. filters];

    /// <summary>All of these; one at least.</summary>
    public IReadOnlyList<SearchFilter> Filters { get; }

    internal static (int Depth, int Conditions, int Values) Sum(IReadOnlyList<SearchFilter> filters)
    {
        ArgumentNullException.ThrowIfNull(filters);
        Require(filters.Count is > 0 and < MaxConditions, $"Join 1 to {MaxConditions - 1} filters.");
        var (depth, conditions, values) = (0, 1, 0);
        foreach (var filter in filters)
        {
            ArgumentNullException.ThrowIfNull(filter, nameof(filters));
            depth = Math.Max(depth, filter.Depth);
            conditions += filter.Conditions;
            values += filter.ValueCount;
        }

        return (depth + 1, conditions, values);
    }
}

/// <summary>See <see cref="SearchFilter.Any"/>.</summary>
public sealed class AnyFilter : SearchFilter
{
    internal AnyFilter(IReadOnlyList<SearchFilter> filters)
        : base(AllFilter.Sum(filters).Depth, AllFilter.Sum(filters).Conditions, AllFilter.Sum(filters).Values) =>
        Filters = [.. filters];

    /// <summary>One of these or more; one at least.</summary>
    public IReadOnlyList<SearchFilter> Filters { get; }
}

/// <summary>See <see cref="SearchFilter.Not"/>.</summary>
public sealed class NotFilter : SearchFilter
{
    internal NotFilter(SearchFilter filter)
        : base(AllFilter.Sum([filter]).Depth, AllFilter.Sum([filter]).Conditions, AllFilter.Sum([filter]).Values) =>
        Filter = filter;

    /// <summary>What must not match.</summary>
    public SearchFilter Filter { get; }
}
