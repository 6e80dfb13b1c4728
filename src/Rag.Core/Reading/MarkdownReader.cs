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
    /// Whether a line begins with more quotation and list marks than anybody writes. The parser takes quadratic time for them.
    /// </summary>
    private static bool IsNestedAbsurdly(string text)
    {
        foreach (var line in new LineRanges(text, 0, text.Length))
        {
            var marks = text.AsSpan(line);
            var length = marks.IndexOfAnyExcept(NestingMarks);
            if ((length < 0 ? marks.Length : length) > DeepestNesting && CountMarks(marks) > DeepestNesting)
            {
                return true;
            }
        }

        return false;
    }

    private static int CountMarks(ReadOnlySpan<char> line)
    {
        var count = 0;
        for (
            var i = 0;
            i < line.Length && line[i] is '>' or ' ' or '\t' or '-' or '+' or '*' or '.' or ')' or (>= '0' and <= '9');
            i++
        )
        {
            var endsMark = i + 1 < line.Length && line[i + 1] is ' ' or '\t';
            count += line[i] == '>' || (endsMark && line[i] is '-' or '+' or '*' or '.' or ')') ? 1 : 0;
        }

        return count;
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
