using System.Globalization;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>Parts of a statement over a row <c>d</c> of <c>documents</c> that sees only what a query may find.</summary>
/// <param name="condition">The condition on <c>d</c>.</param>
/// <param name="arguments">Its parameters, <c>$1</c> first.</param>
internal sealed class ScopedStatement(string condition, IEnumerable<object?> arguments)
{
    private readonly List<object?> _arguments = [.. arguments];

    public string Condition { get; } = condition;

    public object?[] Arguments => [.. _arguments];

    /// <summary>Adds a parameter.</summary>
    /// <returns>How the statement names it.</returns>
    public string Add(object value)
    {
        _arguments.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"${_arguments.Count}");
    }
}
