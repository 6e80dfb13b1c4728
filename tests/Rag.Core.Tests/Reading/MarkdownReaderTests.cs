using CsCheck;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Reading;

[Trait("Tier", "fast")]
public sealed class MarkdownReaderTests
{
    private const string Sample = """
        ---
        title: "Care of the machine"
        tags: [care, water]
        owners:
          - Ana
          - Ben
        nested:
          key: value
        ---
        Intro text.

        # Care of the `X1` & more {#care}

        First line
        of a paragraph.

        Setext heading
        --------------

        - one
          - nested
        - two

        | Part | Price |
        |------|------:|
        | Pump | 40    |

        ```sh
        # not a heading

        run
        ```

            indented code

        > quoted
        > text

        <div>html</div>
        """;

    [Fact]
    public async Task Structure_is_found()
    {
        var document = await ReadText.AsAsync("care.md", Sample.ReplaceLineEndings("\n"));
        Assert.Equal("Care of the machine", document.Title);
        Assert.Equal(("care, water", "Ana, Ben"), (document.Metadata["tags"], document.Metadata["owners"]));
        Assert.Equal(
            [
                "Paragraph: Intro text.",
                "Heading1: Care of the X1 & more",
                "Paragraph: First line/of a paragraph.",
                "Heading2: Setext heading",
                "ListItem: - one/  - nested",
                "ListItem: - two",
                "Table: | Part | Price |/|------|------:|/| Pump | 40    |",
                "Code: ```sh/# not a heading//run/```",
                "Code:     indented code",
                "Quote: > quoted/> text",
                "Paragraph: <div>html</div>",
            ],
            document.Show()[1..]
        );
        Assert.StartsWith("Metadata: ---/title:", document.Show()[0], StringComparison.Ordinal);
        Assert.Equal("| Part | Price |", document.Blocks.Single(b => b.Kind == BlockKind.Table).RepeatedHeader);
    }

    [Fact]
    public async Task Line_ends_change_nothing_but_the_ranges()
    {
        var lf = await ReadText.AsAsync("a.md", Sample.ReplaceLineEndings("\n"));
        var crlf = await ReadText.AsAsync("a.md", Sample.ReplaceLineEndings("\r\n"));
        Assert.Equal(lf.Show(), crlf.Show());
        Assert.Equal(Sample.ReplaceLineEndings("\r\n"), crlf.Text);
    }

    [Theory]
    [InlineData("# First\n\n# Second", "First")]
    [InlineData("## Only a subsection", null)]
    [InlineData("---\ntitle: 'From the front'\n---\n# Heading", "From the front")]
    [InlineData("No heading", null)]
    public async Task The_title_is_front_matter_or_the_first_top_heading(string text, string? title) =>
        Assert.Equal(title, (await ReadText.AsAsync("a.md", text)).Title);

    [Theory]
    [InlineData("Lead:\n| A | B |\n|---|---|\n| 1 | 2 |", "Paragraph", "Table")]
    [InlineData("A | B\n--|--\n1 | 2", "Table")]
    [InlineData("| A \\| x | B |\n|---|---|\n| 1 | 2 |", "Table")]
    [InlineData("| A | B |\n|---|\n| 1 | 2 |", "Paragraph")]
    [InlineData("Text\n- - -\nmore", "Paragraph", "Paragraph")]
    public async Task Tables_are_told_from_text(string text, params string[] kinds) =>
        Assert.Equal(kinds, (await ReadText.AsAsync("a.md", text)).Blocks.Select(b => b.Kind.ToString()));

    [Fact]
    public async Task A_large_list_item_is_taken_apart()
    {
        var text =
            "- Step one\n\n  ```\n"
            + string.Concat(Enumerable.Repeat("  line of code\n", 150))
            + "  ```\n\n  Then rest.\n- Step two\n";
        var document = await ReadText.AsAsync("a.md", text);
        Assert.Equal(
            [BlockKind.ListItem, BlockKind.Code, BlockKind.ListItem, BlockKind.ListItem],
            document.Blocks.Select(b => b.Kind)
        );
        Assert.Equal(0, document.Blocks[0].Start);
    }

    [Fact]
    public async Task A_heading_is_cut_to_what_people_can_read()
    {
        var heading = (await ReadText.AsAsync("a.md", "# " + new string('x', 900) + "\n\ntext")).Blocks[0].Heading!;
        Assert.Equal(200, heading.Length);
        var endless = (await ReadText.AsAsync("a.md", "# " + string.Concat(Enumerable.Repeat("*a_", 400_000))))
            .Blocks[0]
            .Heading!;
        Assert.InRange(endless.Length, 190, 200);
    }

    [Theory]
    [InlineData(">", 100_000)]
    [InlineData("> ", 100_000)]
    [InlineData("- ", 50_000)]
    [InlineData("1. ", 50_000)]
    [InlineData("[", 100_000)]
    [InlineData("*a ", 100_000)]
    [InlineData("|", 200_000)]
    [InlineData("<div>\n", 50_000)]
    [InlineData("- a\n  ", 5_000)]
    public async Task Absurd_nesting_is_read_in_reasonable_time(string unit, int times)
    {
        var text = string.Concat(Enumerable.Repeat(unit, times)) + "x";
        var started = TimeProvider.System.GetTimestamp();
        var document = await ReadText.AsAsync("a.md", text);
        ReadText.AssertBlocksAreSound(document);
        Assert.Equal(text, document.Text);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Lists_that_nest_line_by_line_are_read()
    {
        var text = string.Concat(Enumerable.Range(0, 400).Select(i => $"{new string(' ', i * 2)}- level {i}\n"));
        var document = await ReadText.AsAsync("a.md", text);
        Assert.NotEmpty(document.Blocks);
        ReadText.AssertBlocksAreSound(document);
    }

    [Fact]
    public async Task A_heading_is_not_cut_inside_a_character()
    {
        var heading = (await ReadText.AsAsync("a.md", "# x" + string.Concat(Enumerable.Repeat("🚀", 150))))
            .Blocks[0]
            .Heading!;
        Assert.Equal("x" + string.Concat(Enumerable.Repeat("🚀", 99)), heading);
    }

    [Fact]
    public void Blocks_are_sound_whatever_the_text()
    {
        var lines = Generators.AnyOf(
            "# H",
            "## H 2",
            "text. more",
            "- item",
            "  - nested",
            "1. one",
            "> quote",
            "```",
            "    code",
            "| a | b |",
            "|---|---|",
            "---",
            "===",
            "",
            "",
            "\t",
            "<b>",
            "[x]: http://a",
            "***"
        );
        lines
            .Array[0, 30]
            .Select(Generators.AnyOf("\n", "\r\n", "\r"), (l, end) => string.Join(end, l))
            .Sample(text =>
            {
                var document = MarkdownReader.Read(text);
                ReadText.AssertBlocksAreSound(document);
                Assert.Equal(text, document.Text);
            });
    }
}
