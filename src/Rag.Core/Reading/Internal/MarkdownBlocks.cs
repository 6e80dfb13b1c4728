using System.Buffers;
using System.Text;
using Markdig.Extensions.Yaml;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Slipway.Rag.Reading;

/// <summary>Turns the parser's tree into blocks in text order.</summary>
internal sealed class MarkdownBlocks(string text)
{
    private readonly List<Block> blocks = [];
    private IReadOnlyDictionary<string, string>? frontMatter;
    private string? firstTitle;

    /// <summary>Adds what is directly in the document.</summary>
    public void AddAll(MarkdownDocument document)
    {
        foreach (var block in document)
        {
            Add(block, BlockKind.Paragraph);
        }
    }

    /// <summary>The document, with what was added.</summary>
    public StructuredDocument ToDocument()
    {
        var metadata = frontMatter ?? new Dictionary<string, string>(0);
        return new StructuredDocument
        {
            Text = text,
            Title = metadata.GetValueOrDefault("title") ?? firstTitle,
            Blocks = blocks,
            Metadata = metadata,
        };
    }

    /// <param name="block">From the parser. Its nesting, and so the depth of the recursion, is limited there.</param>
    /// <param name="inside">What a paragraph counts as: the kind of the list item or quotation around it.</param>
    private void Add(Markdig.Syntax.Block block, BlockKind inside)
    {
        switch (block)
        {
            case YamlFrontMatterBlock:
                Append(BlockKind.Metadata, block.Span.Start, block.Span.End + 1);
                frontMatter = FrontMatter.Parse(text, block.Span.Start, Math.Min(block.Span.End + 1, text.Length));
                break;
            case HeadingBlock heading when inside is BlockKind.Paragraph:
                AddHeading(heading);
                break;
            case CodeBlock:
                Append(BlockKind.Code, block.Span.Start, block.Span.End + 1);
                break;
            case ListBlock list:
                foreach (var item in list)
                {
                    AddWholeOrParts((ContainerBlock)item, BlockKind.ListItem);
                }

                break;
            case QuoteBlock quote:
                AddWholeOrParts(quote, BlockKind.Quote);
                break;
            case ParagraphBlock:
                AddParagraph(block.Span.Start, block.Span.End + 1, inside);
                break;
            case LeafBlock and not (ThematicBreakBlock or LinkReferenceDefinition):
                Append(inside, block.Span.Start, block.Span.End + 1);
                break;
        }
    }

    private void AddHeading(HeadingBlock block)
    {
        var heading = PlainText(block);
        if (heading.Length == 0)
        {
            return; // "##" alone names nothing.
        }

        firstTitle ??= block.Level == 1 ? heading : null;
        Append(
            new Block(BlockKind.Heading, block.Span.Start, block.Span.End + 1)
            {
                Level = block.Level,
                Heading = heading,
            }
        );
    }

    private void AddWholeOrParts(ContainerBlock container, BlockKind kind)
    {
        if (container.Span.Length <= MarkdownReader.LargestWholeItem || container.Count == 0)
        {
            Append(kind, container.Span.Start, container.Span.End + 1);
            return;
        }

        var first = blocks.Count;
        foreach (var child in container)
        {
            Add(child, kind);
        }

        if (first < blocks.Count)
        {
            // The bullet or the first '>' belongs to what it introduces.
            var previousEnd = first == 0 ? 0 : blocks[first - 1].End;
            blocks[first] = blocks[first] with { Start = Math.Max(previousEnd, container.Span.Start) };
        }
    }

    /// <summary>A paragraph, or lines of text with a pipe table after them: header, delimiter row, rows.</summary>
    private void AddParagraph(int start, int end, BlockKind kind)
    {
        end = Math.Min(end, text.Length);
        int header = start,
            previous = start;
        foreach (var line in new LineRanges(text, start, end))
        {
            if (
                line.Start.Value > start
                && IsDelimiterRow(text.AsSpan(line), CountCells(text.AsSpan(previous..line.Start.Value)))
            )
            {
                header = previous;
                Append(kind, start, header);
                Append(
                    new Block(BlockKind.Table, header, end)
                    {
                        RepeatedHeader = HeadingText.Collapse(text[header..line.Start.Value]),
                    }
                );
                return;
            }

            previous = line.Start.Value;
        }

        Append(kind, start, end);
    }

    private static readonly SearchValues<char> DelimiterRow = SearchValues.Create("|-: \t\r\n>");

    private static bool IsDelimiterRow(ReadOnlySpan<char> line, int cells) =>
        line.Contains('-')
        && (line.Contains('|') || (cells == 1 && line.Contains(':')))
        && line.IndexOfAnyExcept(DelimiterRow) < 0
        && CountCells(line) == cells;

    private static int CountCells(ReadOnlySpan<char> line)
    {
        var row = line.Trim(" \t\r\n>");
        row = row.StartsWith('|') ? row[1..] : row;
        row = row.EndsWith('|') && !row.EndsWith("\\|") ? row[..^1] : row;
        var cells = 1;
        for (var i = 0; i < row.Length; i++)
        {
            if (row[i] == '\\')
            {
                i++;
            }
            else if (row[i] == '|')
            {
                cells++;
            }
        }

        return cells;
    }

    private static string PlainText(HeadingBlock block)
    {
        if (block.Inline is null)
        {
            return WithoutAnchor(block.Lines.ToString().AsSpan());
        }

        var plain = new StringBuilder();
        foreach (var inline in block.Inline.Descendants())
        {
            _ = inline switch
            {
                LiteralInline literal => plain.Append(literal.Content.AsSpan()),
                CodeInline code => plain.Append(code.Content),
                HtmlEntityInline entity => plain.Append(entity.Transcoded.AsSpan()),
                AutolinkInline link => plain.Append(link.Url),
                LineBreakInline => plain.Append(' '),
                _ => plain,
            };
        }

        return WithoutAnchor(plain.ToString().AsSpan());
    }

    /// <summary>Without an explicit anchor such as <c>{#install}</c>.</summary>
    private static string WithoutAnchor(ReadOnlySpan<char> heading)
    {
        heading = heading.TrimEnd();
        if (heading.EndsWith('}') && heading.LastIndexOf("{#") is >= 0 and var anchor)
        {
            heading = heading[..anchor];
        }

        return HeadingText.Shorten(heading);
    }

    private void Append(BlockKind kind, int start, int end) => Append(new Block(kind, start, end));

    /// <summary>Keeps the promise that blocks are in order and do not overlap, whatever the parser says.</summary>
    private void Append(Block block)
    {
        var start = Math.Max(block.Start, blocks.Count == 0 ? 0 : blocks[^1].End);
        var end = Math.Min(block.End, text.Length);
        if (start < end)
        {
            blocks.Add(start == block.Start && end == block.End ? block : block with { Start = start, End = end });
        }
    }
}
