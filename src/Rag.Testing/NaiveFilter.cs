using System.Globalization;
using System.Text.RegularExpressions;
using Slipway.Rag.Retrieval.Filters;

namespace Slipway.Rag.Testing;

/// <summary>What filters look at.</summary>
internal sealed record FilteredDocument(
    string Id,
    string Name,
    string Source,
    string? MediaType,
    DateTimeOffset? ModifiedAt,
    DateTimeOffset? PublishedAt,
    IReadOnlyDictionary<string, string> Metadata
);

/// <summary>Filters by the book, one document at a time. It shares no code with the stores.</summary>
internal static partial class NaiveFilter
{
    public static bool Matches(SearchFilter filter, FilteredDocument document) =>
        filter switch
        {
            AllFilter all => all.Filters.All(part => Matches(part, document)),
            AnyFilter any => any.Filters.Any(part => Matches(part, document)),
            NotFilter not => !Matches(not.Filter, document),
            PathFilter path => document.Name == path.Path
                || document.Name.StartsWith(path.Path.TrimEnd('/') + "/", StringComparison.Ordinal),
            SourceFilter source => source.Names.Contains(document.Source),
            MediaTypeFilter type => document.MediaType is not null && type.MediaTypes.Contains(document.MediaType),
            DocumentFilter ids => ids.Ids.Contains(document.Id),
            ModifiedFilter modified => InRange(document.ModifiedAt, modified.Range),
            PublishedFilter published => InRange(document.PublishedAt, published.Range),
            MetadataFilter equal => document.Metadata.TryGetValue(equal.Key, out var value)
                && equal.Values.Contains(value),
            MetadataNumberFilter number => document.Metadata.TryGetValue(number.Key, out var value)
                && InRange(Number(value), number.Range),
            MetadataTimeFilter time => document.Metadata.TryGetValue(time.Key, out var value)
                && InRange(Time(value), time.Range),
            _ => throw new NotSupportedException(filter.GetType().Name),
        };

    private static bool InRange(DateTimeOffset? time, FilterRange<DateTimeOffset> range) =>
        InRange<DateTimeOffset>(
            time is { } given
                ? new DateTimeOffset(given.UtcTicks - (given.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero)
                : null,
            range
        );

    private static bool InRange<T>(T? value, FilterRange<T> range)
        where T : struct, IComparable<T> =>
        value is { } given
        && (range.AtLeast is not { } atLeast || given.CompareTo(atLeast) >= 0)
        && (range.GreaterThan is not { } greater || given.CompareTo(greater) > 0)
        && (range.AtMost is not { } atMost || given.CompareTo(atMost) <= 0)
        && (range.LessThan is not { } less || given.CompareTo(less) < 0);

    private static double? Number(string text) =>
        NumberPattern().IsMatch(text)
        && double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture) is var number
        && double.IsFinite(number)
            ? number
            : null;

    private static DateTimeOffset? Time(string text)
    {
        var match = TimePattern().Match(text);
        if (!match.Success)
        {
            return null;
        }

        try
        {
            var offset = match.Groups["sign"].Success
                ? new TimeSpan(Part("offsetHours"), Part("offsetMinutes"), 0)
                    * (match.Groups["sign"].Value == "-" ? -1 : 1)
                : TimeSpan.Zero;
            var fraction = long.Parse(match.Groups["fraction"].Value.PadRight(7, '0'), CultureInfo.InvariantCulture);
            return new DateTimeOffset(
                Part("year"),
                Part("month"),
                Part("day"),
                Part("hour"),
                Part("minute"),
                Part("second"),
                offset
            ).AddTicks(fraction);
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }

        int Part(string name) =>
            match.Groups[name].Success ? int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*\z")]
    private static partial Regex NumberPattern();

    [GeneratedRegex(
        @"^\s*(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})([T ](?<hour>[0-9]{2}):(?<minute>[0-9]{2})(:(?<second>[0-9]{2})(\.(?<fraction>[0-9]{1,7}))?)?(Z|(?<sign>[+-])(?<offsetHours>[0-9]{2}):(?<offsetMinutes>[0-9]{2}))?)?\s*\z"
    )]
    private static partial Regex TimePattern();
}
