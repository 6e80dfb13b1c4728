using Slipway.Rag.Reading;

namespace Slipway.Rag.Chunking;

/// <summary>Lists the places where a section may be cut, with the tokens between them.</summary>
internal sealed class CutFinder(StructuredDocument document, StructureChunkerOptions options, ITokenCounter tokens)
{
    /// <summary>A table keeps at least its header, its delimiter row and its first row together.</summary>
    private const int TableHeadLines = 3;

    /// <summary>Between two neighbouring places there is never more than this, so that a part over the maximum can always be cut.</summary>
    private readonly int largestGap = Math.Max(1, options.MaxTokens / 4);

    private readonly string text = document.Text;
    private readonly List<(int Position, CutStrength Strength)> places = [];
    private readonly List<Cut> cuts = [];
    private int tableBlock;

    /// <summary>The cuts of a section, from its beginning to its end, both included. The list is reused by the next call.</summary>
    public List<Cut> Find(Section section)
    {
        places.Clear();
        if (tokens.Count(text.AsSpan(section.Start, section.End - section.Start)) <= options.TargetTokens)
        {
            return Measure(section.Start, section.End); // Stays whole.
        }

        var end = section.Start;
        Block? previous = null;
        for (var i = section.FirstBlock; i < section.EndBlock; i++)
        {
            var block = document.Blocks[i];
            AddText(end, block.Start);
            // Not between a heading and what it is about.
            if (block.Start > section.Start && previous?.Kind != BlockKind.Heading)
            {
                places.Add((LineStart(block.Start, end), StrengthBetween(previous, block)));
            }

            AddInside(block);
            end = block.End;
            previous = block;
        }

        AddText(end, section.End);
        return Measure(section.Start, section.End);
    }

    /// <summary>The cuts between whole sections, from the first one's beginning to the last one's end.</summary>
    public List<Cut> FindBetween(ReadOnlySpan<Section> sections)
    {
        places.Clear();
        foreach (var section in sections[1..])
        {
            places.Add((section.Start, CutStrength.Block));
        }

        return Measure(sections[0].Start, sections[^1].End);
    }

    /// <summary>The header of the table that began before <paramref name="start"/> and goes on there. Ask in ascending order.</summary>
    public string? TableHeaderAt(int start)
    {
        while (tableBlock < document.Blocks.Count && document.Blocks[tableBlock].End <= start)
        {
            tableBlock++;
        }

        var block = tableBlock < document.Blocks.Count ? document.Blocks[tableBlock] : null;
        return block?.Start < start ? block.RepeatedHeader : null;
    }

    /// <summary>Text that is in no block is cut like a paragraph. Rules and brackets alone are none: they end what is before them.</summary>
    private void AddText(int start, int end)
    {
        var lead = start;
        while (lead < end && !char.IsLetterOrDigit(text[lead]))
        {
            lead++;
        }

        if (lead == end)
        {
            return;
        }

        if (start > 0)
        {
            places.Add((LineStart(lead, start), CutStrength.Block));
        }

        places.AddRange(TextBreaks.Sentences(text, lead, end));
    }

    private void AddInside(Block block)
    {
        if (tokens.Count(text.AsSpan(block.Start, block.End - block.Start)) <= options.MinTokens)
        {
            return;
        }

        switch (block.Kind)
        {
            case BlockKind.Code:
                places.AddRange(TextBreaks.Lines(text, block.Start, block.End));
                break;
            case BlockKind.Table:
                places.AddRange(TextBreaks.Lines(text, block.Start, block.End).Skip(TableHeadLines - 1));
                break;
            case not BlockKind.Heading:
                places.AddRange(TextBreaks.Sentences(text, block.Start, block.End));
                break;
        }
    }

    private CutStrength StrengthBetween(Block? previous, Block block)
    {
        if (previous is null)
        {
            return CutStrength.Block;
        }

        if (block.Kind == previous.Kind && block.Kind is BlockKind.ListItem or BlockKind.Row)
        {
            return CutStrength.Item;
        }

        // "Run this:" belongs to what it announces.
        var announces =
            previous.Kind == BlockKind.Paragraph
            && text.AsSpan(previous.Start, previous.End - previous.Start).TrimEnd().EndsWith(':');
        return announces ? CutStrength.Line : CutStrength.Block;
    }

    /// <summary>Puts an indent with the line that it indents.</summary>
    private int LineStart(int position, int floor)
    {
        var start = position;
        while (start > floor && text[start - 1] is ' ' or '\t')
        {
            start--;
        }

        return start == 0 || text[start - 1] is '\n' or '\r' ? start : position;
    }

    private List<Cut> Measure(int start, int end)
    {
        cuts.Clear();
        cuts.Add(new Cut(start, CutStrength.Block, 0, 0));
        var before = 0;
        for (var i = 0; i <= places.Count; i++)
        {
            var from = cuts[^1].Position;
            var to = i < places.Count ? places[i].Position : end;
            if (to <= from)
            {
                continue; // Two rules found the same place.
            }

            var size = tokens.Count(text.AsSpan(from, to - from));
            before = size > largestGap ? AddFineCuts(from, to, end, before) : before + size;
            var strength = i < places.Count ? places[i].Strength : CutStrength.Block;
            var next = i + 1 < places.Count ? places[i + 1].Position : end;
            cuts.Add(Cut.Before(text.AsSpan(to, end - to), to, next, strength, before));
        }

        return cuts;
    }

    /// <summary>Cuts between words where there is nothing better, and inside words where there are no spaces.</summary>
    private int AddFineCuts(int from, int to, int end, int before)
    {
        foreach (var word in TextBreaks.Words(text, from, to).Append(to))
        {
            before = AddWord(from, word, end, before);
            if (word < to)
            {
                cuts.Add(Cut.Before(text.AsSpan(word, end - word), word, word, CutStrength.Word, before));
            }

            from = word;
        }

        return before;
    }

    private int AddWord(int from, int to, int end, int before)
    {
        var size = tokens.Count(text.AsSpan(from, to - from));
        if (size <= largestGap)
        {
            return before + size;
        }

        foreach (var piece in TextBreaks.Pieces(text, from, to, largestGap))
        {
            // White space may be a token only where it repeats: cut in two, neither part would count it.
            var isSpaceCut = char.IsWhiteSpace(text[piece - 1]) && char.IsWhiteSpace(text[piece]);
            before += tokens.Count(text.AsSpan(from, piece - from)) + (isSpaceCut ? 1 : 0);
            cuts.Add(Cut.Before(text.AsSpan(piece, end - piece), piece, piece, CutStrength.Grapheme, before));
            from = piece;
        }

        return before + tokens.Count(text.AsSpan(from, to - from));
    }
}
