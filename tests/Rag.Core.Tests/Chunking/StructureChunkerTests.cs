using System.Globalization;
using CsCheck;
using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Chunking;

[Trait("Tier", "fast")]
[Trait("Parity", "S94")]
public sealed class StructureChunkerTests
{
    private static readonly StructureChunkerOptions Small = new()
    {
        TargetTokens = 40,
        MaxTokens = 48,
        MinTokens = 8,
    };

    [Fact]
    public void Sections_are_chunks_with_their_heading_path()
    {
        var body = string.Concat(Enumerable.Repeat("Some words about it. ", 4));
        var text = $"# Guide\n\n## Install\n\n{body}\n\n## Use\n\n{body}\n\n### Details\n\n{body}\n";
        Assert.Equal(
            [
                $"[Guide > Install] # Guide//## Install//{body}",
                $"[Guide > Use] ## Use//{body}",
                $"[Guide > Use > Details] ### Details//{body}",
            ],
            Show(text, Small)
        );
    }

    [Fact]
    public void Small_siblings_share_a_chunk_under_their_parent()
    {
        const string text = "# FAQ\n\n## One?\n\nYes.\n\n## Two?\n\nNo.\n\n## Three?\n\nMaybe.\n\n# Other\n\nText.";
        Assert.Equal(
            ["[FAQ] # FAQ//## One?//Yes.//## Two?//No.//## Three?//Maybe.", "[Other] # Other//Text."],
            Show(text, new StructureChunkerOptions())
        );
    }

    [Fact]
    public void A_short_introduction_stays_with_small_subsections()
    {
        const string text = "# FAQ\n\nAsked often.\n\n## One?\n\nYes.";
        Assert.Equal(["[FAQ] # FAQ//Asked often.//## One?//Yes."], Show(text, new StructureChunkerOptions()));
    }

    [Fact]
    public void A_table_is_split_between_rows_and_repeats_its_header()
    {
        var text =
            "| Part | Price |\n|---|---|\n"
            + string.Concat(Enumerable.Range(1, 20).Select(i => $"| Part {i} | {i} EUR |\n"));
        var document = MarkdownReader.Read(text);
        var chunks = new StructureChunker(Small).Chunk(document);
        Assert.True(chunks.Count > 2);
        Assert.Null(chunks[0].RepeatedHeader);
        Assert.All(chunks.Skip(1), c => Assert.Equal("| Part | Price |", c.RepeatedHeader));
        Assert.All(chunks.Skip(1), c => Assert.StartsWith("| Part ", text[c.Start..c.End], StringComparison.Ordinal));
    }

    [Fact]
    public void Code_and_tables_stay_whole_where_they_fit()
    {
        var code = "```\n" + string.Concat(Enumerable.Range(1, 6).Select(i => $"call {i}\n\n")) + "```\n";
        var words = string.Concat(Enumerable.Repeat("Some words. ", 8));
        var chunks = Show($"{words}\n\n{code}\n{words}\n", Small);
        Assert.Contains(
            chunks,
            c => c.Contains("call 1", StringComparison.Ordinal) && c.Contains("call 6", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("He said no. She said yes. ", '.')]
    [InlineData("彼はいいえと言った。彼女ははいと言った。", '。')]
    [InlineData("क्या आप आएंगे। हाँ मैं आऊँगा। ", '।')]
    [InlineData("Really?! Yes \"really.\" ", '.', '!', '"')]
    public void Paragraphs_are_split_between_sentences(string sentences, params char[] ends)
    {
        var text = string.Concat(Enumerable.Repeat(sentences, 30));
        var chunks = new StructureChunker(Small).Chunk(MarkdownReader.Read(text));
        Assert.True(chunks.Count > 3);
        Assert.All(chunks, c => Assert.Contains(text[c.Start..c.End].TrimEnd()[^1], ends));
    }

    [Fact]
    public void Abbreviations_initials_and_numbers_end_no_sentence()
    {
        const string text = "See e.g. the book by J. R. Smith. Next.\n1. item";
        Assert.Equal(
            ["Next.\n1. item", "1. item"],
            TextBreaks.Sentences(text, 0, text.Length).Select(s => text[s.Position..])
        );
    }

    [Fact]
    public void The_announcing_line_stays_with_what_it_announces()
    {
        var filler = string.Concat(Enumerable.Repeat("Some words here. ", 7));
        var text = $"{filler}\n\n{filler}\n\nRun this:\n\n```\nrun --now\n```\n";
        Assert.Contains("Run this:", Show(text, Small)[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_sizes_are_refused()
    {
        var error = Assert.Throws<SlipwayException>(() =>
            new StructureChunker(new StructureChunkerOptions { MaxTokens = 100 })
        );
        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains("MaxTokens 100", error.Message, StringComparison.Ordinal);
        Assert.Throws<SlipwayException>(() => new StructureChunker(new StructureChunkerOptions { MinTokens = 0 }));
        Assert.Throws<SlipwayException>(() => new StructureChunker(new StructureChunkerOptions { MinTokens = 101 }));
    }

    [Fact]
    public void The_fingerprint_names_everything_that_changes_chunks() =>
        Assert.Equal("structure/1;400;480;64;estimate/1", new StructureChunker().Fingerprint);

    [Fact]
    public void The_laws_hold_for_any_text() =>
        Texts.Sample(text => AssertLaws(MarkdownReader.Read(text), Small), iter: 300);

    [Fact]
    public void White_space_that_a_cut_divides_still_counts()
    {
        const string text =
            "另一个句子。…\" | a | b |\n|---|---|\n👩‍👩‍👧| a | b |\n|---|---|\n🚀另一个句子。…\"  \uFE0F```\ne\u0301\n\n";
        AssertLaws(MarkdownReader.Read(text), Small);
    }

    [Fact]
    public void The_laws_hold_for_text_that_nobody_structured() =>
        Texts.Sample(text => AssertLaws(new StructuredDocument { Text = text }, Small), iter: 300);

    [Theory]
    [InlineData("x", 5_000_000)]
    [InlineData("日", 1_000_000)]
    [InlineData("word ", 600_000)]
    [InlineData("}\n", 500_000)]
    [InlineData("a\u0301", 500_000)]
    [InlineData("\u0301", 500_000)]
    [InlineData("👩‍👩‍👧", 100_000)]
    [InlineData("a. ", 500_000)]
    [InlineData("# H\n", 50_000)]
    [InlineData("#### H\n\nx\n\n# A\n\n", 20_000)]
    public void Absurd_text_is_cut_in_reasonable_time(string unit, int times)
    {
        var text = string.Concat(Enumerable.Repeat(unit, times));
        var document = unit.Contains('#', StringComparison.Ordinal)
            ? MarkdownReader.Read(text)
            : PlainTextReader.Read(text, BlockKind.Paragraph);
        var started = TimeProvider.System.GetTimestamp();
        AssertLaws(document, new StructureChunkerOptions());
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    private static Gen<string> Texts =>
        Generators
            .AnyOf(
                "# Top\n",
                "## Sub\n\n",
                "### Deep\n",
                "A sentence of words. ",
                "另一个句子。",
                "- item\n",
                "| a | b |\n|---|---|\n",
                "| 1 | 2 |\n",
                "```\n",
                "code();\n",
                "\n",
                "\r\n",
                "\n\n",
                "👩‍👩‍👧",
                "e\u0301",
                "\u0301",
                " ",
                "🚀",
                "unbrokenrunofletters",
                "\uFE0F",
                "…\" ",
                "🇩🇪"
            )
            .Array[0, 120]
            .Select(string.Concat);

    private static void AssertLaws(StructuredDocument document, StructureChunkerOptions options)
    {
        var text = document.Text;
        var chunks = new StructureChunker(options).Chunk(document);
        var end = 0;
        foreach (var chunk in chunks)
        {
            Assert.Equal(end, chunk.Start);
            Assert.True(chunk.End > chunk.Start);
            Assert.InRange(TokenEstimator.Instance.Count(text.AsSpan(chunk.Start..chunk.End)), 0, options.MaxTokens);
            Assert.False(
                chunk.End < text.Length
                    && char.IsLowSurrogate(text[chunk.End])
                    && char.IsHighSurrogate(text[chunk.End - 1])
            );
            Assert.False(chunk.End < text.Length && text[chunk.End] == '\n' && text[chunk.End - 1] == '\r');
            end = chunk.End;
        }

        Assert.Equal(text.Length, end);
        if (text.Length < 10_000)
        {
            Assert.Equal(Flatten(chunks), Flatten(new StructureChunker(options).Chunk(document)));
            var graphemes = StringInfo.ParseCombiningCharacters(text).ToHashSet();
            Assert.All(chunks, c => Assert.Contains(c.Start, graphemes));
        }
    }

    private static IEnumerable<string> Flatten(IEnumerable<Chunk> chunks) =>
        chunks.Select(c => $"{c.Start}-{c.End} {string.Join('>', c.Headings)} {c.RepeatedHeader}");

    private static string[] Show(string text, StructureChunkerOptions options) =>
        [
            .. new StructureChunker(options)
                .Chunk(MarkdownReader.Read(text))
                .Select(c =>
                    $"[{string.Join(" > ", c.Headings)}] {text[c.Start..c.End].TrimEnd('\n').Replace("\n", "/", StringComparison.Ordinal)}"
                ),
        ];
}
