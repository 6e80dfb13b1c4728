using System.Text.Json;
using Slipway.Rag.Retrieval.Filters;

namespace Slipway.Rag.Core.Tests.Retrieval.Filters;

[Trait("Tier", "fast")]
public sealed class SearchFilterJsonTests
{
    public static TheoryData<string> Canonical { get; } =
    [
        """{"path":"handbook/"}""",
        """{"source":"wiki"}""",
        """{"source":["wiki","drive"]}""",
        """{"mediaType":"application/pdf"}""",
        """{"document":["a","b"]}""",
        """{"modified":{"gte":"2026-01-01T00:00:00Z"}}""",
        """{"published":{"gt":"2026-01-01T00:00:00.0000001Z","lt":"2026-02-01T00:00:00Z"}}""",
        """{"metadata":{"language":"en"}}""",
        """{"metadata":{"language":["en",""]}}""",
        """{"metadata":{"year":{"gte":2020,"gt":1.5,"lte":1E+300,"lt":2030}}}""",
        """{"metadata":{"due":{"lte":"2026-01-01T00:00:00Z"}}}""",
        """{"not":{"path":"a"}}""",
        """{"and":[{"path":"a"},{"or":[{"source":"b"},{"not":{"metadata":{"k":"v"}}}]}]}""",
    ];

    [Theory, MemberData(nameof(Canonical))]
    public void What_is_written_is_read_back_as_the_same(string json)
    {
        Assert.Equal(json, SearchFilter.Parse(json).ToString());
        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<SearchFilter>(json)));
    }

    [Theory]
    [InlineData("""{"path":"a","source":"b"}""", """{"and":[{"path":"a"},{"source":"b"}]}""")]
    [InlineData(
        """{"metadata":{"language":"en","year":2026}}""",
        """{"and":[{"metadata":{"language":"en"}},{"metadata":{"year":{"gte":2026,"lte":2026}}}]}"""
    )]
    [InlineData("""{"metadata":{"d":{"lt":"2026-01-02"}}}""", """{"metadata":{"d":{"lt":"2026-01-02T00:00:00Z"}}}""")]
    [InlineData("""{"source":["a","a"]}""", """{"source":"a"}""")]
    [InlineData("""{"mediaType":"Text/HTML"}""", """{"mediaType":"text/html"}""")]
    public void Shorter_forms_mean_the_longer_ones(string json, string meaning) =>
        Assert.Equal(meaning, SearchFilter.Parse(json).ToString());

    [Theory]
    [InlineData("", "no JSON")]
    [InlineData("{", "no JSON")]
    [InlineData("""{"path":"a"} x""", "no JSON")]
    [InlineData("null", "'filter' must be an object with one of: and, or, not, path")]
    [InlineData("{}", "'filter' is empty")]
    [InlineData("""{"Path":"a"}""", "'filter.Path' is unknown; there are: and, or, not, path")]
    [InlineData("""{"path":"a","path":"b"}""", "'filter' has 'path' twice")]
    [InlineData("""{"path":7}""", "'filter.path' must be a string")]
    [InlineData("""{"path":""}""", "'filter.path' is refused")]
    [InlineData("""{"path":"a\u0000b"}""", "'filter.path' is refused: A path has a NUL")]
    [InlineData("""{"path":"\ud800"}""", "'filter.path' has half of a surrogate pair")]
    [InlineData("""{"metadata":{"\ud800":"a"}}""", "half of a surrogate pair")]
    [InlineData("""{"source":[]}""", "'filter.source' is refused")]
    [InlineData("""{"source":["a",null]}""", "'filter.source[1]' must be a string")]
    [InlineData("""{"and":[]}""", "'filter.and' is refused")]
    [InlineData("""{"and":{"path":"a"}}""", "'filter.and' must be an array")]
    [InlineData("""{"and":[{"path":"a"},{"or":[{}]}]}""", "'filter.and[1].or[0]' is empty")]
    [InlineData("""{"modified":"2026-01-01"}""", "'filter.modified' must be a range")]
    [InlineData("""{"modified":{"gte":2026}}""", "'filter.modified.gte' must be a date or time")]
    [InlineData("""{"modified":{"gte":"2026-02-30"}}""", "'filter.modified.gte' must be a date or time")]
    [InlineData("""{"modified":{"min":"2026-01-01"}}""", "'filter.modified.min' is unknown; a range has gte")]
    [InlineData("""{"metadata":{}}""", "'filter.metadata' is empty")]
    [InlineData("""{"metadata":{"k":true}}""", "'filter.metadata.k' must be a string")]
    [InlineData("""{"metadata":{"k":{}}}""", "'filter.metadata.k' is empty")]
    [InlineData("""{"metadata":{"k":{"gte":1,"lt":"2026-01-01"}}}""", "'filter.metadata.k.gte' must be a date or time")]
    [InlineData("""{"metadata":{"k":{"gte":1e999}}}""", "'filter.metadata.k.gte' must be a finite number")]
    public void What_is_no_filter_is_refused_with_the_place_and_what_would_be_accepted(string json, string message)
    {
        Assert.False(SearchFilter.TryParse(json, out _, out var error));
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal(error, Assert.Throws<FormatException>(() => SearchFilter.Parse(json)).Message);
    }

    [Fact]
    public void A_filter_inside_of_larger_json_is_refused_as_json_is()
    {
        var exception = Assert.Throws<JsonException>(() =>
            JsonSerializer.Deserialize<Dictionary<string, SearchFilter>>("""{"f":{"paths":"a"}}""")
        );
        Assert.Contains("'filter.paths' is unknown", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_and_size_are_bounded()
    {
        Assert.Equal(8, SearchFilter.MaxDepth);
        Assert.True(SearchFilter.TryParse(Nested(7), out _, out _));
        Refused(Nested(8), "level");
        Refused(Nested(5_000), "no JSON"); // deeper than JSON may be
        Refused(
            """{"and":[""" + string.Join(',', Enumerable.Repeat("""{"path":"a"}""", 64)) + "]}",
            "Join 1 to 63 filters"
        );
        Refused(
            """{"and":[""" + string.Join(',', Enumerable.Repeat("""{"not":{"not":{"path":"a"}}}""", 30)) + "]}",
            "64 conditions"
        );
        Refused(
            """{"source":[""" + string.Join(',', Enumerable.Range(0, 1_001).Select(i => $"\"{i}\"")) + "]}",
            "1000"
        );
        Refused("""{"path":"x""" + new string('x', 1_024) + "\"}", "1 to 1024 characters");
        Refused("""{"path":"x""" + new string('x', 70_000) + "\"}", "at most 65536 are read");

        static string Nested(int levels) =>
            string.Concat(Enumerable.Repeat("""{"not":""", levels)) + """{"path":"a"}""" + new string('}', levels);

        static void Refused(string json, string message)
        {
            Assert.False(SearchFilter.TryParse(json, out _, out var error));
            Assert.Contains(message, error, StringComparison.Ordinal);
            Assert.InRange(error.Length, 1, 1_000);
        }
    }

    [Fact]
    public void What_cannot_be_asked_for_cannot_be_made()
    {
        Assert.Throws<ArgumentException>(() => SearchFilter.MetadataNumber("k", default));
        Assert.Throws<ArgumentException>(() => SearchFilter.MetadataNumber("k", new() { AtLeast = double.NaN }));
        Assert.Throws<ArgumentException>(() =>
            SearchFilter.MetadataNumber("k", new() { LessThan = double.PositiveInfinity })
        );
        Assert.Throws<ArgumentException>(() => SearchFilter.Modified(default));
        Assert.Throws<ArgumentException>(() => SearchFilter.Published(default));
        Assert.Throws<ArgumentException>(() => SearchFilter.MetadataTime("k", default));
        Assert.Throws<ArgumentException>(() => SearchFilter.Metadata("k"));
        Assert.Throws<ArgumentException>(() => SearchFilter.Metadata("", "v"));
        Assert.Throws<ArgumentException>(() => SearchFilter.Any());
        Assert.Throws<ArgumentNullException>(() => SearchFilter.Not(null!));
        Assert.Throws<ArgumentNullException>(() => SearchFilter.All(null!));
        Assert.Throws<ArgumentNullException>(() => SearchFilter.Path("a") & null!);
        Assert.Throws<ArgumentNullException>(() => SearchFilter.MediaType(null!));
    }

    [Fact]
    public void Operators_are_the_words()
    {
        var (a, b) = (SearchFilter.Path("a"), SearchFilter.Path("b"));
        Assert.Equal("""{"and":[{"path":"a"},{"not":{"path":"b"}}]}""", (a & !b).ToString());
        Assert.Equal("""{"or":[{"path":"a"},{"path":"b"}]}""", (a | b).ToString());
    }
}
