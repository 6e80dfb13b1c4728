using System.Text;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Reading;

/// <summary>Reads bytes the way the pipeline does: type by name and content, then the reader of that type.</summary>
internal static class ReadText
{
    public static Task<StructuredDocument> AsAsync(string name, string content) =>
        AsAsync(name, Encoding.UTF8.GetBytes(content));

    public static async Task<StructuredDocument> AsAsync(
        string name,
        byte[] content,
        int maxTextLength = ReadingOptions.DefaultMaxTextLength
    )
    {
        var context = new ReadingContext
        {
            Name = name,
            MediaType = MediaTypes.Detect(name, content),
            MaxTextLength = maxTextLength,
        };
        return await ReaderSet.Default.ReadAsync(
            new MemoryStream(content),
            context,
            TestContext.Current.CancellationToken
        );
    }

    /// <summary>The blocks as <c>Kind: text</c>, for examples that can be read.</summary>
    public static string[] Show(this StructuredDocument document) =>
        [
            .. document.Blocks.Select(b =>
                $"{b.Kind}{(b.Level > 0 ? b.Level : "")}: {(b.Heading ?? document.Text[b.Start..b.End]).ReplaceLineEndings("/").TrimEnd('/')}"
            ),
        ];

    /// <summary>The promise of <see cref="StructuredDocument.Blocks"/>: in order, inside the text, not overlapping, not empty.</summary>
    public static void AssertBlocksAreSound(StructuredDocument document)
    {
        var end = 0;
        foreach (var block in document.Blocks)
        {
            Assert.True(block.Start >= end && block.End > block.Start, $"{block} after {end}");
            end = block.End;
        }

        Assert.True(end <= document.Text.Length);
    }
}
