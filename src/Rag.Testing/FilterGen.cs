using CsCheck;
using Slipway.Rag.Retrieval.Filters;

namespace Slipway.Rag.Testing;

/// <summary>A document to publish, by what filters look at.</summary>
internal sealed record GeneratedDocument(
    string Name,
    string Source,
    string? MediaType,
    DateTimeOffset? ModifiedAt,
    IReadOnlyDictionary<string, string> ContentMetadata,
    IReadOnlyDictionary<string, string> SourceMetadata,
    string[] Texts
);

/// <summary>Documents and filters from the same few values, so that they meet; the values are those that engines disagree about.</summary>
internal static class FilterGen
{
    private static readonly DateTimeOffset Day = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Names =
    [
        "handbook",
        "handbook/a.md",
        "handbook/deep/b.md",
        "handbook2/a.md",
        "handbook0",
        "handbook.md",
        "Handbook/a.md",
        "handbook//a.md",
        "hand%/a_b.md",
        "hand_/a.md",
        "/rooted/a.md",
        "it's/\"quoted\".md",
        "e\u0301/a.md",
        "é/a.md",
        "～/a.md", // behind emojis in UTF-16, before them in UTF-8
        "😀/a.md",
        "京都/地図.md",
    ];

    private static readonly string[] Paths =
    [
        .. Names,
        "handbook/",
        "handbook/deep",
        "hand",
        "hand%",
        "%",
        "_",
        "/",
        "é",
        "～",
        "😀/",
        "nowhere",
    ];

    private static readonly string[] Keys = ["k", "K", "key with 'quotes'", "größe", new string('k', 200)];

    private static readonly string[] Values =
    [
        "",
        " ",
        "a",
        "A",
        "a ",
        "a%b_c",
        "it's",
        "\"q\"",
        "e\u0301",
        "é",
        "😀",
        "～",
        "\uFFFD",
        new string('x', 1000),
        new string('x', 999) + "y",
        new string('x', 128),
        new string('x', 129),
        "0",
        "-0",
        "+0.0",
        "1",
        "01",
        "1.0",
        " 1\t",
        "1.",
        ".5",
        "1e0",
        "1E+3",
        "1000",
        "1,000",
        "1 000",
        "0x10",
        "16",
        "9007199254740993",
        "9007199254740992",
        "1e-400",
        "1e308",
        "1e999",
        "NaN",
        "Infinity",
        "-∞",
        "٣",
        "true",
        "2026",
        "2026-03-01",
        " 2026-03-01 ",
        "2026-03-01T00:00:00Z",
        "2026-03-01T01:00:00+01:00",
        "2026-03-01 00:00",
        "2026-03-01T00:00:00.0009Z",
        "2026-03-01T00:00:00.001Z",
        "2026-02-28T23:59:59.9999999Z",
        "2026-02-30",
        "2026-03-01T24:00:00Z",
        "01.03.2026",
        "0001-01-01",
        "9999-12-31T23:59:59.9999999Z",
    ];

    private static readonly Gen<string> Key = One(Keys);

    private static readonly Gen<string> Value = One(Values);

    private static readonly Gen<DateTimeOffset> Time = One(
        Day,
        Day.AddTicks(-1),
        Day.AddTicks(10),
        Day.AddTicks(9_990),
        Day.AddMilliseconds(1),
        Day.AddMilliseconds(1).AddTicks(10),
        Day.AddHours(1).ToOffset(TimeSpan.FromHours(5)),
        Day.AddYears(-1),
        Day.AddMonths(3)
    );

    private static readonly Gen<DateTimeOffset> Bound = Gen.Frequency(
        (8, Time),
        (1, Gen.Const(DateTimeOffset.MinValue)),
        (1, Gen.Const(DateTimeOffset.MaxValue))
    );

    private static readonly Gen<double> Number = One<double>(
        -1,
        -0.0,
        0,
        double.Epsilon,
        0.5,
        1,
        16,
        1000,
        2026,
        9007199254740992,
        1e308,
        double.MaxValue
    );

    private static readonly string[] Vocabulary = ["pump", "valve", "boiler", "steam", "leak", "water"];

    // A small vocabulary, so that terms meet, counts repeat and scores tie.
    private static readonly Gen<string> Text = One(Vocabulary).Array[1, 6].Select(words => string.Join(' ', words));

    private static readonly Gen<IReadOnlyDictionary<string, string>> Metadata = Gen.Select(Key, Value)
        .Array[0, 4]
        .Select(
            IReadOnlyDictionary<string, string> (pairs) =>
                pairs.GroupBy(pair => pair.Item1).ToDictionary(group => group.Key, group => group.First().Item2)
        );

    public static Gen<GeneratedDocument> Document { get; } =
        Gen.Select(
            One(Names),
            One("wiki", "Wiki", "it's"),
            One("text/plain", "text/markdown", "application/pdf"),
            Gen.Frequency((1, Gen.Const((DateTimeOffset?)null)), (4, Time.Select(time => (DateTimeOffset?)time))),
            Metadata,
            Metadata,
            Text.Array[1, 3],
            (name, source, type, modified, content, listed, texts) =>
                new GeneratedDocument(name, source, type, modified, content, listed, texts)
        );

    /// <summary>Filters of so many levels at most.</summary>
    public static Gen<SearchFilter> Filter(int depth) =>
        depth == 1
            ? Leaf
            : Gen.Frequency(
                (2, Leaf),
                (2, Filter(depth - 1).Array[1, 3].Select(parts => SearchFilter.All(parts))),
                (2, Filter(depth - 1).Array[1, 3].Select(parts => SearchFilter.Any(parts))),
                (1, Filter(depth - 1).Select(SearchFilter.Not))
            );

    private static Gen<SearchFilter> Leaf { get; } =
        Gen.Frequency(
            (3, Gen.Select(Key, Value.Array[1, 4], (key, values) => SearchFilter.Metadata(key, values))),
            (2, Gen.Select(Key, Range(Number), SearchFilter.MetadataNumber)),
            (2, Gen.Select(Key, Range(Bound), SearchFilter.MetadataTime)),
            (2, One(Paths).Select(SearchFilter.Path)),
            (1, One("wiki", "Wiki", "WIKI", "it's").Array[1, 2].Select(names => SearchFilter.Source(names))),
            (
                1,
                One("text/plain", "TEXT/MARKDOWN", "text/html")
                    .Array[1, 2]
                    .Select(types => SearchFilter.MediaType(types))
            ),
            (1, Range(Bound).Select(SearchFilter.Modified)),
            (1, Range(Bound).Select(SearchFilter.Published))
        );

    private static Gen<FilterRange<T>> Range<T>(Gen<T> bound)
        where T : struct, IComparable<T> =>
        Gen.Select(
            Gen.Int[1, 15],
            bound,
            bound,
            bound,
            bound,
            (given, atLeast, greater, atMost, less) =>
                new FilterRange<T>
                {
                    AtLeast = (given & 1) != 0 ? atLeast : null,
                    GreaterThan = (given & 2) != 0 ? greater : null,
                    AtMost = (given & 4) != 0 ? atMost : null,
                    LessThan = (given & 8) != 0 ? less : null,
                }
        );

    private static Gen<T> One<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
