using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Reading;

[Trait("Tier", "fast")]
public sealed class PlainTextReaderTests
{
    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public async Task Blank_lines_separate_paragraphs(string end)
    {
        var document = await ReadText.AsAsync("a.txt", $"{end}One{end}line two{end} \t{end}{end}Two");
        Assert.Equal(["Paragraph: One/line two", "Paragraph: Two"], document.Show());
    }

    [Theory]
    [InlineData("a.log")]
    [InlineData("a.py")]
    [InlineData("a.yaml")]
    [InlineData("Makefile")]
    public async Task Lines_of_code_and_logs_are_kept(string name) =>
        Assert.Equal(
            [BlockKind.Code, BlockKind.Code],
            (await ReadText.AsAsync(name, "a: 1\nb: 2\n\nc: 3\n")).Blocks.Select(b => b.Kind)
        );
}
