using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval.Filters;

/// <summary>
/// Which documents a search may find, beyond tenant, collection and principal, which always apply. It is applied inside the search: a
/// search returns as many passages as asked for when so many match.
/// </summary>
/// <remarks>
/// <para>Immutable and safe for concurrent use. Text is compared ordinally: case and accents count. A document that lacks what a condition
/// asks for does not match it, and so matches its negation.</para>
/// <para>A filter has at most <see cref="MaxDepth"/> levels, <see cref="MaxConditions"/> conditions, <see cref="MaxValues"/> values and
/// <see cref="MaxTextLength"/> characters in a value; making a larger one is an <see cref="ArgumentException"/>.</para>
/// </remarks>
/// <example>
/// <code>
/// var filter = SearchFilter.Path("handbook") &amp; SearchFilter.Metadata("language", "en", "de")
///     &amp; !SearchFilter.MetadataNumber("year", new() { LessThan = 2020 });
/// </code>
/// The same as JSON:
/// <code>
/// { "path": "handbook", "metadata": { "language": ["en", "de"] }, "not": { "metadata": { "year": { "lt": 2020 } } } }
/// </code>
/// </example>
[JsonConverter(typeof(SearchFilterConverter))]
public abstract class SearchFilter
{
    /// <summary>Levels of <c>and</c>, <c>or</c>, <c>not</c> and what they hold: 8.</summary>
    public const int MaxDepth = 8;

    /// <summary>Conditions, those that join others included: 64.</summary>
    public const int MaxConditions = 64;

    /// <summary>Values in all sets together: 1,000.</summary>
    public const int MaxValues = 1_000;

    /// <summary>Characters in a key or value: 1,024.</summary>
    public const int MaxTextLength = 1_024;

    /// <summary>Characters in the JSON form: 65,536.</summary>
    public const int MaxJsonLength = 65_536;

    private protected SearchFilter(int depth = 1, int conditions = 1, int values = 0)
    {
        Require(depth <= MaxDepth, $"A filter may be {MaxDepth} levels deep.");
        Require(conditions <= MaxConditions, $"A filter may have {MaxConditions} conditions.");
        Require(values <= MaxValues, $"A filter may have {MaxValues} values.");
        (Depth, Conditions, ValueCount) = (depth, conditions, values);
    }

    internal int Depth { get; }

    internal int Conditions { get; }

    internal int ValueCount { get; }

    /// <summary>Documents whose metadata have one of these values under the key. Metadata are those of source and document together.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">One or more values.</param>
    public static SearchFilter Metadata(string key, params IReadOnlyList<string> values) =>
        new MetadataFilter(key, values);

    /// <summary>
    /// Documents whose metadata have a number under the key that lies in the range. A value counts as a number when it is one in the
    /// invariant culture, such as <c>12</c>, <c>-0.5</c> or <c>1e3</c>, white space around it aside.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="range">The range; with one bound or more.</param>
    public static SearchFilter MetadataNumber(string key, FilterRange<double> range) =>
        new MetadataNumberFilter(key, range);

    /// <summary>
    /// Documents whose metadata have a time under the key that lies in the range. A value counts as a time when it is an ISO 8601 date or
    /// date and time, such as <c>2026-11-05</c> or <c>2026-11-05T13:00:00+01:00</c>, or an RFC 1123 one; without an offset it is UTC. Times
    /// are compared in whole milliseconds, rounded down.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="range">The range; with one bound or more.</param>
    public static SearchFilter MetadataTime(string key, FilterRange<DateTimeOffset> range) =>
        new MetadataTimeFilter(key, range);

    /// <summary>
    /// Documents in a folder of their source, at any depth, or the one document of that name. <c>handbook</c> and <c>handbook/</c> match
    /// <c>handbook/x.md</c>, and neither matches <c>handbook2/x.md</c>.
    /// </summary>
    /// <param name="path">A folder, or a document's whole name, with <c>/</c> between the parts.</param>
    public static SearchFilter Path(string path) => new PathFilter(path);

    /// <summary>Documents of these sources.</summary>
    /// <param name="names">One or more names of sources.</param>
    public static SearchFilter Source(params IReadOnlyList<string> names) => new SourceFilter(names);

    /// <summary>Documents of these media types.</summary>
    /// <param name="mediaTypes">One or more media types without parameters, such as <c>application/pdf</c>; case is ignored.</param>
    public static SearchFilter MediaType(params IReadOnlyList<string> mediaTypes) => new MediaTypeFilter(mediaTypes);

    /// <summary>These documents.</summary>
    /// <param name="ids">One or more document ids.</param>
    public static SearchFilter Document(params IReadOnlyList<string> ids) => new DocumentFilter(ids);

    /// <summary>Documents that changed last in this range of time, as their source says. In whole milliseconds, rounded down.</summary>
    /// <param name="range">The range; with one bound or more.</param>
    public static SearchFilter Modified(FilterRange<DateTimeOffset> range) => new ModifiedFilter(range);

    /// <summary>Documents whose current version was published in this range of time. In whole milliseconds, rounded down.</summary>
    /// <param name="range">The range; with one bound or more.</param>
    public static SearchFilter Published(FilterRange<DateTimeOffset> range) => new PublishedFilter(range);

    /// <summary>Documents that match all of these.</summary>
    /// <param name="filters">One or more filters.</param>
    public static SearchFilter All(params IReadOnlyList<SearchFilter> filters) => new AllFilter(filters);

    /// <summary>Documents that match one of these or more.</summary>
    /// <param name="filters">One or more filters.</param>
    public static SearchFilter Any(params IReadOnlyList<SearchFilter> filters) => new AnyFilter(filters);

    /// <summary>Documents that do not match.</summary>
    /// <param name="filter">The filter.</param>
    public static SearchFilter Not(SearchFilter filter) => new NotFilter(filter);

    /// <summary>See <see cref="All"/>.</summary>
    public static SearchFilter operator &(SearchFilter left, SearchFilter right) => All(left, right);

    /// <summary>See <see cref="Any"/>.</summary>
    public static SearchFilter operator |(SearchFilter left, SearchFilter right) => Any(left, right);

    /// <summary>See <see cref="Not"/>.</summary>
    public static SearchFilter operator !(SearchFilter filter) => Not(filter);

    /// <summary>See <see cref="All"/>.</summary>
    public static SearchFilter BitwiseAnd(SearchFilter left, SearchFilter right) => left & right;

    /// <summary>See <see cref="Any"/>.</summary>
    public static SearchFilter BitwiseOr(SearchFilter left, SearchFilter right) => left | right;

    /// <summary>See <see cref="Not"/>.</summary>
    public static SearchFilter LogicalNot(SearchFilter filter) => !filter;

    /// <summary>Reads the JSON form. The members of an object must all hold; see the package's README for all of them.</summary>
    /// <param name="json">At most <see cref="MaxJsonLength"/> characters.</param>
    /// <exception cref="FormatException">It is no filter; the message names the place and what would have been accepted.</exception>
    public static SearchFilter Parse(string json) =>
        TryParse(json, out var filter, out var error) ? filter : throw new FormatException(error);

    /// <summary>Reads the JSON form.</summary>
    /// <param name="json">At most <see cref="MaxJsonLength"/> characters.</param>
    /// <param name="filter">The filter, if it is one.</param>
    /// <param name="error">Otherwise what is wrong where, and what would have been accepted.</param>
    public static bool TryParse(
        string json,
        [NotNullWhen(true)] out SearchFilter? filter,
        [NotNullWhen(false)] out string? error
    )
    {
        ArgumentNullException.ThrowIfNull(json);
        return SearchFilterJson.TryParse(json, out filter, out error);
    }

    /// <summary>The JSON form, which <see cref="Parse"/> reads back as the same filter.</summary>
    public override string ToString()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            SearchFilterJson.Write(writer, this);
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private protected static void Require([DoesNotReturnIf(false)] bool holds, string message)
    {
        if (!holds)
        {
            throw new ArgumentException(message);
        }
    }

    private protected static string Text(string text, string what)
    {
        ArgumentNullException.ThrowIfNull(text);
        Require(text.Length is > 0 and <= MaxTextLength, $"{what} may have 1 to {MaxTextLength} characters.");
        RequireStorable(text, what);
        return text;
    }

    private protected static IReadOnlyList<string> Texts(
        IReadOnlyList<string> texts,
        string what,
        bool mayBeEmpty = false
    )
    {
        ArgumentNullException.ThrowIfNull(texts);
        Require(texts.Count > 0, $"{what} is missing: one value or more.");
        foreach (var text in texts)
        {
            ArgumentNullException.ThrowIfNull(text, nameof(texts));
            Require(
                text.Length <= MaxTextLength && (mayBeEmpty || text.Length > 0),
                $"{what} may have {(mayBeEmpty ? 0 : 1)} to {MaxTextLength} characters."
            );
            RequireStorable(text, what);
        }

        return [.. texts.Distinct(StringComparer.Ordinal)];
    }

    // No store holds such text, so asking for it can only be a mistake.
    private static void RequireStorable(string text, string what) =>
        Require(StorableText.Of(text) == text, $"{what} has a NUL character or half of a surrogate pair.");
}
