namespace Slipway.Rag.Chunking;

/// <summary>Chooses the cuts of a section.</summary>
/// <remarks>
/// Top down: the strongest cut with the highest priority, then the same on both sides, until the parts are small enough. Whether a place
/// is cut depends on the text right after it and on the nearest chosen cuts around it, never on how much text lies before. That is
/// what keeps all other chunks as they are when a sentence is edited or a paragraph inserted; counting from the top would move them all.
/// </remarks>
internal sealed class CutSelection(StructureChunkerOptions options)
{
    private readonly Stack<(int From, int To)> open = [];
    private readonly List<(int Start, int End)> parts = [];
    private List<Cut> cuts = [];

    /// <summary>The ranges to cut into, in order. The first cut is the section's beginning, the last one its end.</summary>
    /// <returns>A list that the next call reuses.</returns>
    public List<(int Start, int End)> Select(List<Cut> section)
    {
        cuts = section;
        parts.Clear();
        open.Push((0, cuts.Count - 1));
        while (open.TryPop(out var part))
        {
            var chosen = Choose(part.From, part.To);
            if (chosen < 0)
            {
                parts.Add((cuts[part.From].Position, cuts[part.To].Position));
                continue;
            }

            open.Push((chosen, part.To));
            open.Push((part.From, chosen));
        }

        return parts;
    }

    private int Choose(int from, int to)
    {
        var size = Tokens(from, to);
        if (size <= options.TargetTokens)
        {
            return -1;
        }

        // Up to here two parts are enough: a cut that makes a third would be undone by the next edit.
        var isPair = size <= options.TargetTokens * 7 / 4;
        var chosen = isPair ? Best(from, to, size - options.TargetTokens, CutStrength.Item) : -1;
        chosen = chosen >= 0 ? chosen : Best(from, to, options.MinTokens, CutStrength.Item);
        if (chosen >= 0 || size <= options.MaxTokens)
        {
            return chosen;
        }

        chosen = isPair ? Best(from, to, size - options.TargetTokens, CutStrength.Line) : -1;
        return chosen >= 0 ? chosen : Best(from, to, options.MinTokens, CutStrength.Grapheme);
    }

    /// <summary>The best cut that leaves at least <paramref name="margin"/> tokens on both sides; -1 when there is none.</summary>
    private int Best(int from, int to, int margin, CutStrength weakest)
    {
        margin = Math.Max(margin, options.MinTokens);
        var best = -1;
        for (var i = First(from, to, margin); i < to && Tokens(i, to) >= margin; i++)
        {
            if (cuts[i].Strength >= weakest && (best < 0 || IsBetter(i, best, from, to)))
            {
                best = i;
            }
        }

        return best;
    }

    /// <summary>Equal text has equal priority. Then the middle wins: the first would cut off one minimal part after the other.</summary>
    private bool IsBetter(int i, int best, int from, int to)
    {
        var (a, b) = (cuts[i], cuts[best]);
        return a.Strength != b.Strength ? a.Strength > b.Strength
            : a.Priority != b.Priority ? a.Priority > b.Priority
            : Imbalance(i, from, to) < Imbalance(best, from, to);
    }

    private int Imbalance(int i, int from, int to) => Math.Abs(Tokens(from, i) - Tokens(i, to));

    private int First(int from, int to, int margin)
    {
        int low = from + 1,
            high = to;
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = Tokens(from, middle) < margin ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private int Tokens(int from, int to) => cuts[to].TokensBefore - cuts[from].TokensBefore;
}
