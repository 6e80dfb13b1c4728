namespace Slipway.Rag.Chunking;

/// <summary>Chooses the cuts of a section.</summary>
/// <remarks>
/// In a long section every place is cut that is the best one near it, as a peak is the highest point near it; what is still too long is
/// cut at its best place, until the parts are small enough. So a decision depends on the text around the place and never on how much text lies before it. That is
/// what keeps the other chunks as they are when a sentence is edited or a paragraph inserted; counting from the top would move them
/// all.
/// </remarks>
internal sealed class CutSelection(StructureChunkerOptions options)
{
    /// <summary>
    /// How near is near, as a part of the target. Peaks are at least that far apart and twice as far on average. Measured over 4,000
    /// edits of generated prose: with 0.3, three or more chunks change in 0.3 % of the edits; with 0.5, in 1.2 %.
    /// </summary>
    private const double Reach = 0.3;

    private readonly int reach = (int)(options.TargetTokens * Reach);
    private readonly Stack<(int From, int To, CutStrength Weakest)> open = [];
    private readonly List<(int Start, int End)> parts = [];
    private readonly List<int> chosen = [];
    private List<Cut> cuts = [];

    /// <summary>The ranges to cut into, in order. The first cut is the section's beginning, the last one its end.</summary>
    /// <returns>A list that the next call reuses.</returns>
    public List<(int Start, int End)> Select(List<Cut> section)
    {
        cuts = section;
        parts.Clear();
        open.Push((0, cuts.Count - 1, CutStrength.Item));
        while (open.TryPop(out var part))
        {
            Choose(part.From, part.To, part.Weakest);
            if (chosen.Count > 0)
            {
                var to = part.To;
                for (var i = chosen.Count - 1; i >= 0; to = chosen[i], i--)
                {
                    open.Push((chosen[i], to, part.Weakest));
                }

                open.Push((part.From, to, part.Weakest));
            }
            else if (Tokens(part.From, part.To) > options.MaxTokens && part.Weakest > CutStrength.Grapheme)
            {
                open.Push((part.From, part.To, CutStrength.Grapheme));
            }
            else
            {
                parts.Add((cuts[part.From].Position, cuts[part.To].Position));
            }
        }

        return parts;
    }

    private void Choose(int from, int to, CutStrength weakest)
    {
        chosen.Clear();
        var size = Tokens(from, to);
        if (size <= (weakest == CutStrength.Item ? options.TargetTokens : options.MaxTokens))
        {
            return;
        }

        var middle = cuts[from].TokensBefore + (size / 2);
        var isLong = size > options.MaxTokens * 3 / 2;
        var best = -1;
        for (var i = from + 1; i < to; i++)
        {
            // No part below the minimum.
            if (cuts[i].Strength < weakest || Tokens(from, i) < options.MinTokens || Tokens(i, to) < options.MinTokens)
            {
                continue;
            }

            best = best < 0 || IsBetter(i, best, middle) ? i : best;
            if (isLong && IsPeak(i, from, to, middle))
            {
                chosen.Add(i);
            }
        }

        if (chosen.Count == 0 && best >= 0)
        {
            chosen.Add(best);
        }
    }

    /// <summary>Nearest first on both sides: most places lose against a neighbour at once.</summary>
    private bool IsPeak(int place, int from, int to, int middle)
    {
        int left = place - 1,
            right = place + 1;
        while (true)
        {
            var isLeft = left > from && Tokens(left, place) <= reach;
            var isRight = right < to && Tokens(place, right) <= reach;
            if (!isLeft && !isRight)
            {
                return true;
            }

            if ((isLeft && IsBetter(left--, place, middle)) || (isRight && IsBetter(right++, place, middle)))
            {
                return false;
            }
        }
    }

    /// <summary>Equal text has equal priority. Then the middle wins: always the first would cut off one minimal part after the other.</summary>
    private bool IsBetter(int one, int other, int middle)
    {
        var (a, b) = (cuts[one], cuts[other]);
        return a.Strength != b.Strength ? a.Strength > b.Strength
            : a.Priority != b.Priority ? a.Priority > b.Priority
            : (Math.Abs(a.TokensBefore - middle), one).CompareTo((Math.Abs(b.TokensBefore - middle), other)) < 0;
    }

    private int Tokens(int from, int to) => cuts[to].TokensBefore - cuts[from].TokensBefore;
}
