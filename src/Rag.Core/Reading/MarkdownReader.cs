using System.Buffers;
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

    private const int DeepestNesting = 100;

    private static readonly SearchValues<char> NestingMarks = SearchValues.Create("> \t-+*0123456789.)");

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
        try
        {
            if (!IsNestedAbsurdly(text))
            {
                var blocks = new MarkdownBlocks(text);
                blocks.AddAll(Markdown.Parse(text, Pipeline));
                return blocks.ToDocument();
            }
        }
        catch (ArgumentException)
        {
            // The parser's own guard against nesting.
        }

        return PlainTextReader.Read(text, BlockKind.Paragraph);
    }

    /// <summary>
    /// Whether a line is deeper in quotations and lists than anybody writes. The parser's time grows faster than the square of the depth.
    /// </summary>
    private static bool IsNestedAbsurdly(string text)
    {
        foreach (var line in new LineRanges(text, 0, text.Length))
        {
            var marks = text.AsSpan(line);
            var length = marks.IndexOfAnyExcept(NestingMarks);
            if ((length < 0 ? marks.Length : length) > DeepestNesting && CountLevels(marks) > DeepestNesting)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>NestingMarks, and before a mark the levels that its indent may stand for.</summary>
    private static int CountLevels(ReadOnlySpan<char> line)
    {
        int levels = 0,
            indent = 0;
        for (var i = 0; i + 1 < line.Length && NestingMarks.Contains(line[i]); i++)
        {
            var endsMark = line[i + 1] is ' ' or '\t';
            indent += line[i] == ' ' ? 1 : 0;
            if (line[i] == '>' || (endsMark && line[i] is '-' or '+' or '*' or '.' or ')'))
            {
                levels += 1 + (indent / 2);
                indent = 0;
            }
        }

        return levels;
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
