using System.Text;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Reading;

[Trait("Tier", "fast")]
public sealed class JsonReaderTests
{
    private static readonly string Long = new('x', 1_200);

    [Fact]
    public async Task Small_values_stay_whole()
    {
        const string text = """{ "name": "pump", "sizes": [1, 2, 3] }""";
        var document = await ReadText.AsAsync("a.json", text);
        Assert.Equal(text, document.Text);
        Assert.Equal([$"Row: {text}"], document.Show());
    }

    [Fact]
    public async Task Large_members_are_sections_named_by_their_keys()
    {
        var text = $$"""
            { "intro": "small", "größe\u0021": { "a": 1, "deep": { "text": "{{Long}}" } }, "tail": true }
            """;
        var document = await ReadText.AsAsync("a.json", text);
        Assert.Equal(
            [
                "Paragraph: \"intro\": \"small\",",
                "Heading2: größe!",
                "Paragraph: \"a\": 1,",
                "Heading3: deep",
                $"Paragraph: \"text\": \"{Long}\"",
                "Paragraph: \"tail\": true",
            ],
            document.Show()
        );
    }

    [Fact]
    public async Task Large_elements_are_named_by_what_names_them_and_never_by_position()
    {
        var text = $$"""[{ "id": 7, "text": "{{Long}}", "title": "Pump" }, { "text": "{{Long}}" }, { "small": 1 }]""";
        var document = await ReadText.AsAsync("a.json", text);
        Assert.Equal(["Pump"], document.Blocks.Where(b => b.Kind == BlockKind.Heading).Select(b => b.Heading));
        Assert.Equal("Row: { \"small\": 1 }", document.Show()[^1]);
    }

    [Fact]
    public async Task Lines_of_json_are_rows()
    {
        var document = await ReadText.AsAsync("a.jsonl", "{\"a\": 1}\r\n{\"a\": \"🚀\"}\n\n\"text\"\n");
        Assert.Equal(["Row: {\"a\": 1}", "Row: {\"a\": \"🚀\"}", "Row: \"text\""], document.Show());
    }

    [Fact]
    public async Task Comments_trailing_commas_and_half_surrogates_are_no_errors()
    {
        var text = $$"""{ /* why */ "\ud800": { "t": "{{Long}}", }, "name": "\ud800" }""";
        var document = await ReadText.AsAsync("a.json", text);
        Assert.Contains(document.Blocks, b => b.Kind == BlockKind.Paragraph);
        ReadText.AssertBlocksAreSound(document);
    }

    [Theory]
    [InlineData("{ not json")]
    [InlineData("{\"a\": }")]
    [InlineData("[1, 2")]
    public async Task What_is_not_json_is_read_as_text(string text)
    {
        var document = await ReadText.AsAsync("a.json", text + "\n\nsecond part");
        Assert.Equal([BlockKind.Code, BlockKind.Code], document.Blocks.Select(b => b.Kind));
    }

    [Fact]
    public async Task Absurd_depth_does_not_overflow_the_stack()
    {
        foreach (var depth in new[] { 900, 1_000_000 })
        {
            var text = new string('[', depth) + new string(']', depth);
            var document = await ReadText.AsAsync("a.json", text);
            Assert.Equal(text, document.Text);
            ReadText.AssertBlocksAreSound(document);
        }
    }

    [Fact]
    public async Task A_long_array_of_numbers_is_text_without_blocks()
    {
        var text = new StringBuilder("[").AppendJoin(',', Enumerable.Range(0, 200_000)).Append(']').ToString();
        Assert.Empty((await ReadText.AsAsync("a.json", text)).Blocks);
    }
}
