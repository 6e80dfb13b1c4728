using Slipway.Rag.Reading;

namespace Slipway.Rag.Chunking;

/// <summary>A heading and what follows it up to the next heading, or what comes before the first.</summary>
internal sealed class Section(Section? parent, IReadOnlyList<string> headings, int level, int start, int firstBlock)
{
    /// <summary>The section around it; null only for what comes before the first heading.</summary>
    public Section? Parent { get; } = parent;

    /// <summary>The heading path, this section's own heading last.</summary>
    public IReadOnlyList<string> Headings { get; } = headings;

    private int Level { get; } = level;

    /// <summary>First character; with the headings above that have no text of their own.</summary>
    public int Start { get; private set; } = start;

    /// <summary>One past the last character.</summary>
    public int End { get; private set; }

    /// <summary>Index of its first block.</summary>
    public int FirstBlock { get; private set; } = firstBlock;

    /// <summary>One past the index of its last block.</summary>
    public int EndBlock { get; private set; }

    /// <summary>The sections of a document, in order. Their ranges tile its text.</summary>
    public static Section[] Of(StructuredDocument document)
    {
        var sections = new List<Section> { new(null, [], 0, 0, 0) };
        for (var i = 0; i < document.Blocks.Count; i++)
        {
            var block = document.Blocks[i];
            if (block is { Kind: BlockKind.Heading, Heading: { } heading })
            {
                sections[^1].Close(block.Start, i);
                var parent = sections[^1];
                while (parent.Parent is not null && parent.Level >= block.Level)
                {
                    parent = parent.Parent;
                }

                sections.Add(new Section(parent, [.. parent.Headings, heading], block.Level, block.Start, i));
            }
        }

        sections[^1].Close(document.Text.Length, document.Blocks.Count);
        return WithoutBareHeadings(sections, document);
    }

    /// <summary>A heading without text of its own is no passage: it opens the first of its subsections. So does short front matter.</summary>
    private static Section[] WithoutBareHeadings(List<Section> sections, StructuredDocument document)
    {
        var kept = new List<Section>(sections.Count);
        for (var i = 0; i < sections.Count; i++)
        {
            var section = sections[i];
            if (i + 1 < sections.Count && sections[i + 1].Parent == section && section.IsBare(document))
            {
                sections[i + 1].Start = section.Start;
                sections[i + 1].FirstBlock = section.FirstBlock;
            }
            else
            {
                kept.Add(section);
            }
        }

        return [.. kept];
    }

    private bool IsBare(StructuredDocument document)
    {
        var body = Start;
        for (var i = FirstBlock; i < EndBlock; i++)
        {
            if (document.Blocks[i].Kind is not (BlockKind.Heading or BlockKind.Metadata))
            {
                return false;
            }

            body = document.Blocks[i].End;
        }

        return document.Text.AsSpan(body..End).IsWhiteSpace();
    }

    private void Close(int end, int endBlock) => (End, EndBlock) = (end, endBlock);
}
