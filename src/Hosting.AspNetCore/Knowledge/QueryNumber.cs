using System.Globalization;
using Slipway.Hosting.Problems;

namespace Slipway.Hosting.Knowledge;

internal static class QueryNumber
{
    /// <summary>A number of the query. Read here, because the framework answers a bad one with a status and no word.</summary>
    /// <exception cref="ProblemException">It is no number, or out of range.</exception>
    public static int Parse(string name, string? text, int fallback, int max, int min = 1) =>
        string.IsNullOrEmpty(text) ? fallback
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        && value >= min
        && value <= max
            ? value
        : throw Problem.Invalid($"'{name}' is '{text}'; it may be {min} to {max}.").ToException();
}
