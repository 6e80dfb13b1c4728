using CsCheck;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Reading;

[Trait("Tier", "fast")]
[Trait("Parity", "S97")]
public sealed class CsvReaderTests
{
    [Fact]
    public async Task A_row_is_understood_without_its_header()
    {
        var document = await ReadText.AsAsync(
            "dir/prices.csv",
            "Part,Price,Note\r\nPump,40,\"with \"\"seal\"\",\r\nand ring\"\r\nHose,,\r\n"
        );
        Assert.Equal("Part: Pump; Price: 40; Note: with \"seal\", and ring\nPart: Hose\n", document.Text);
        Assert.Equal(["Row: Part: Pump; Price: 40; Note: with \"seal\", and ring", "Row: Part: Hose"], document.Show());

        var table = Assert.Single(document.Tables);
        Assert.Equal(("prices.csv", 2), (table.Name, table.Rows.Count));
        Assert.Equal(["Part", "Price", "Note"], table.Columns);
        Assert.Equal(["Pump", "40", "with \"seal\",\r\nand ring"], table.Rows[0]);
        Assert.Equal(["Hose", null, null], table.Rows[1]);
    }

    [Theory]
    [InlineData("a.csv", "A,B\n1,2\n")]
    [InlineData("a.csv", "A;B\n1;2\n")]
    [InlineData("a.csv", "A|B\n1|2\n")]
    [InlineData("a.csv", "A\tB\r1\t2\r")]
    [InlineData("a.tsv", "A\tB\n1\t2")]
    [InlineData("a.csv", "'A','B'\n'1','2'\n")]
    [InlineData("a.csv", "\uFEFF\"A\",\"B\"\r\n\"1\",\"2\"\r\n")]
    public async Task The_dialect_is_detected(string name, string text) =>
        Assert.Equal("A: 1; B: 2\n", (await ReadText.AsAsync(name, text)).Text);

    [Fact]
    public async Task A_decimal_comma_is_no_delimiter()
    {
        var document = await ReadText.AsAsync(
            "a.csv",
            "Teil;Preis\nPumpe;40,50\nSchlauch;3,20\nDichtung, klein;1,00\n"
        );
        Assert.Equal(["Teil", "Preis"], document.Tables[0].Columns);
        Assert.Equal("Teil: Dichtung, klein; Preis: 1,00", document.Show()[2]["Row: ".Length..]);
    }

    [Fact]
    public async Task Column_names_are_made_unique()
    {
        var table = (await ReadText.AsAsync("a.csv", "Name,,name,\"Name\n (2)\"\n1,2,3,4,5\n")).Tables[0];
        Assert.Equal(["Name", "Column 2", "name (2)", "Name (2) (2)", "Column 5"], table.Columns);
        Assert.Equal(["1", "2", "3", "4", "5"], table.Rows[0]);
    }

    [Fact]
    public async Task Ragged_and_blank_rows_and_comments_are_harmless()
    {
        var document = await ReadText.AsAsync("a.csv", "A,B\n1\n\n , \n#2,3\n4,5,6\n");
        Assert.Equal("A: 1\nA: #2; B: 3\nA: 4; B: 5; Column 3: 6\n", document.Text);
        Assert.All(document.Tables[0].Rows, row => Assert.Equal(3, row.Count));
    }

    [Fact]
    public async Task A_header_alone_can_be_found()
    {
        var document = await ReadText.AsAsync("a.csv", "A,B\n");
        Assert.Equal("A; B\n", document.Text);
        Assert.Empty(document.Tables[0].Rows);
        Assert.Empty((await ReadText.AsAsync("a.csv", "")).Tables);
    }

    [Fact]
    public async Task A_quote_that_never_ends_is_read_as_text()
    {
        var text = "A,B\n1,\"" + string.Concat(Enumerable.Repeat("endless line\n", 200_000));
        var document = await ReadText.AsAsync("a.csv", text);
        Assert.Equal(text, document.Text);
        Assert.Empty(document.Tables);
    }

    [Fact]
    public void Cells_come_back_as_they_were()
    {
        var cell = Generators.AnyOf(
            "",
            "plain",
            "with, comma",
            "with \"quote\"",
            "two\nlines",
            "; semicolon",
            "日本",
            " padded "
        );
        cell.Array[3]
            .Array[1, 20]
            .Sample(rows =>
            {
                var csv =
                    "One,Two,Three\n"
                    + string.Concat(
                        rows.Select(r =>
                            string.Join(',', r.Select(c => $"\"{c.Replace("\"", "\"\"", StringComparison.Ordinal)}\""))
                            + "\n"
                        )
                    );
                var document = ReadText.AsAsync("a.csv", csv).Result;
                ReadText.AssertBlocksAreSound(document);
                var expected = rows.Where(r => r.Any(c => c.Length > 0))
                    .Select(r => r.Select(c => c.Length == 0 ? null : c));
                Assert.Equal(expected, document.Tables[0].Rows);
            });
    }
}
