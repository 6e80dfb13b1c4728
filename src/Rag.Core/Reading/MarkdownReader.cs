using Markdig;
using Markdig.Parsers;
using Markdig.Syntax;

namespace Slipway.Rag.Reading;

/// <summary>Reads Markdown (CommonMark, pipe tables, YAML front matter). The text is the file's own, markup included.</summary>
public sealed class MarkdownReader : IDocumentReader
{
    /// <summary>A list item or quotation up to this length is one block; a longer one is taken apart into what is nested in it.</summary>
    public const int LargestWholeItem = 1_500;

    /// <summary>No heading for people is that long, and emphasis markers by the thousand would take quadratic time.</summary>
    private const int LongestParsedHeading = 1_000;

    private static readonly MarkdownPipeline Pipeline = BuildPipeline();

    /// <inheritdoc/>
    public string Fingerprint => "markdown/1";

    /// <inheritdoc/>
    public bool CanRead(string mediaType) => mediaType is MediaTypes.Markdown or "text/x-markdown";

    /// <inheritdoc/>
    public async ValueTask<StructuredDocument> ReadAsync(
        Stream content,
        ReadingContext context,
        CancellationToken cancellationToken = default
    ) => Read(await TextDecoding.ReadTextAsync(content, context, cancellationToken).ConfigureAwait(false));

    internal static StructuredDocument Read(string text)
    {
        MarkdownDocument parsed;
        try
        {
            parsed = Markdown.Parse(text, Pipeline);
        }
        catch (ArgumentException)
        {
            // The parser's guard against absurdly deep nesting. What is nested like that is no structure for a reader of text.
            return PlainTextReader.Read(text, BlockKind.Paragraph);
        }

        var blocks = new MarkdownBlocks(text);
        blocks.AddAll(parsed);
        return blocks.ToDocument();
    }

    /// <summary>
    /// Only blocks, and the inlines of headings: the inlines of paragraphs cost most of the time and memory and tell nothing that
    /// chunking needs. Pipe tables are found among the paragraphs' lines for the same reason.
    /// </summary>
    private static MarkdownPipeline BuildPipeline()
    {
        var builder = new MarkdownPipelineBuilder().UseYamlFrontMatter();
        builder.BlockParsers.FindExact<ParagraphBlockParser>()!.Closed += static (_, block) => SkipInlines(block);
        builder.BlockParsers.FindExact<HeadingBlockParser>()!.Closed += static (_, block) => SkipInlines(block);
        return builder.Build();
    }

    private static void SkipInlines(Markdig.Syntax.Block block)
    {
        if (block is LeafBlock leaf and (ParagraphBlock or HeadingBlock { Span.Length: > LongestParsedHeading }))
        {
            leaf.ProcessInlines = false;
        }
    }
}
