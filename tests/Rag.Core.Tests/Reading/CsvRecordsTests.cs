using CsCheck;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Core.Tests.Reading;

[Trait("Tier", "fast")]
public sealed class CsvRecordsTests
{
    private static readonly CsvDialect Comma = new(',', '"');

    [Theory]
    [InlineData("a,b\nc,d", "a|b/c|d")]
    [InlineData("a,b\r\nc,d\r\n", "a|b/c|d")]
    [InlineData("a,b\rc,d\r", "a|b/c|d")]
    [InlineData("a,,\n,b,", "a||/|b|")]
    [InlineData("\n\na\n\n\nb\n", "a/b")]
    [InlineData("\"a,b\",c", "a,b|c")]
    [InlineData("\"say \"\"hello\"\" twice\",c", "say \"hello\" twice|c")]
    [InlineData("\"two\nlines\",c", "two\nlines|c")]
    [InlineData("  \"spaced\"  ,c", "spaced|c")]
    [InlineData("\"a\"tail,c", "atail|c")]
    [InlineData("in\"ch,c", "in\"ch|c")]
    [InlineData("\"never closed,c\nd", "never closed,c\nd")]
    [InlineData("\"\",x", "|x")]
    [InlineData("# not a comment,x", "# not a comment|x")]
    [InlineData("", "")]
    public void Reads_what_is_written(string text, string expected) =>
        Assert.Equal(expected, string.Join('/', Read(text).Select(cells => string.Join('|', cells))));

    [Fact]
    public void Whatever_is_quoted_comes_back_as_it_was() =>
        Gen.String[Gen.Char["ab,\"\n\r 'ü😀"], 0, 12]
            .Array[1, 5]
            .Array[1, 5]
            .Where(rows => rows.All(row => row.Length == rows[0].Length))
            .Sample(rows =>
            {
                var text = string.Join("\r\n", rows.Select(row => string.Join(',', row.Select(Quoted))));

                Assert.Equal(rows, Read(text));
            });

    [Fact]
    public void Any_text_ends_and_keeps_its_characters_in_order() =>
        Gen.String[Gen.Char["ab,\"\n\r "], 0, 60]
            .Sample(text =>
            {
                var read = string.Concat(Read(text).SelectMany(cells => cells)).Where(char.IsLetter);

                Assert.Equal(text.Where(char.IsLetter), read);
            });

    [Fact]
    public void A_quote_that_never_ends_is_refused_when_it_swallows_too_much()
    {
        var records = new CsvRecords("\"" + new string('x', 200), Comma, 100);

        Assert.Throws<FormatException>(() => records.Read());
    }

    private static string Quoted(string cell) => '"' + cell.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    private static List<string[]> Read(string text)
    {
        var records = new CsvRecords(text, Comma, 1 << 20);
        var rows = new List<string[]>();
        while (records.Read())
        {
            rows.Add([.. Enumerable.Range(0, records.Count).Select(i => records[i].ToString())]);
        }

        return rows;
    }
}
