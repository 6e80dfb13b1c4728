using Microsoft.AspNetCore.Http;
using Slipway.Hosting.Problems;
using Slipway.Rag.Retrieval.Filters;

namespace Slipway.Hosting.Knowledge;

/// <summary>The filter of a query string.</summary>
internal static class QueryFilter
{
    private const string MetadataPrefix = "meta.";

    /// <summary>Everything that is given must hold; a parameter that is given several times is one of several values.</summary>
    /// <exception cref="ProblemException">A part is no filter; the detail says which and why.</exception>
    public static SearchFilter? Parse(IQueryCollection query, string? filter, string? path, string? source)
    {
        var parts = new List<SearchFilter>();
        if (!string.IsNullOrEmpty(filter))
        {
            parts.Add(
                SearchFilter.TryParse(filter, out var parsed, out var error)
                    ? parsed
                    : throw Problem.Invalid(error).ToException()
            );
        }

        Add("path", path, SearchFilter.Path);
        Add("source", source, name => SearchFilter.Source(name));
        foreach (var (name, values) in query)
        {
            if (name.StartsWith(MetadataPrefix, StringComparison.Ordinal))
            {
                Add(
                    name,
                    name[MetadataPrefix.Length..],
                    key => SearchFilter.Metadata(key, [.. values.Select(value => value ?? "")])
                );
            }
        }

        return parts.Count switch
        {
            0 => null,
            1 => parts[0],
            _ => Make("filter", () => SearchFilter.All(parts)),
        };

        void Add(string name, string? value, Func<string, SearchFilter> make)
        {
            if (value is not null)
            {
                parts.Add(Make(name, () => make(value)));
            }
        }
    }

    private static SearchFilter Make(string name, Func<SearchFilter> make)
    {
        try
        {
            return make();
        }
        catch (ArgumentException exception)
        {
            throw Problem.Invalid($"'{name}' is refused: {exception.Message}").ToException();
        }
    }
}
