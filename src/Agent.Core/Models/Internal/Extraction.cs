namespace Slipway.Agents.Models.Internal;

/// <summary>A stretch of a passage that answers a question: neighbouring units, so that it reads as it was written.</summary>
/// <param name="Passage">Where it stands.</param>
/// <param name="Units">The units, in order.</param>
/// <param name="Score">How much of the question it covers, for comparing within one question.</param>
internal sealed record Excerpt(SearchPassage Passage, IReadOnlyList<PassageUnit> Units, double Score);

/// <summary>Chooses the stretches that cover most of a question's rare words with the fewest sentences.</summary>
internal sealed class Extraction
{
    private const int MaxExcerpts = 3;
    private const int MaxSentences = 5;
    private const int MaxWindow = 3;
    private const int MaxListItems = 8;

    // Chosen on the questions of samples/Quickstart/questions.json: a heading's word counts less than one in the text itself, a further sentence must bring
    // something, the search's own order breaks near ties, and a second passage must be nearly as good as the first.
    private const double HeadingWeight = 0.6;
    private const double LengthPenalty = 0.12;
    private const double RepeatWeight = 0.1;
    private const double RankWeight = 0.25;
    private const double FurtherExcerpt = 0.85;
    private const double StepsWeight = 0.35;
    private const double RowPenalty = 0.1;
    private const double WordPenalty = 0.004;

    private readonly HashSet<string> _question;
    private readonly Dictionary<string, double> _weights = new(StringComparer.Ordinal);
    private readonly double _total;
    private readonly bool _asksHow;
    private readonly List<(SearchPassage Passage, List<PassageUnit> Units, List<HashSet<string>> Terms)> _passages;

    public Extraction(string question, IReadOnlyList<SearchPassage> passages)
    {
        _question = Terms.Of(question);
        _asksHow = Terms.AsksHow(question);
        _passages =
        [
            .. passages
                .Where(passage => !string.IsNullOrWhiteSpace(passage.Text))
                .Select(passage => (Passage: passage, Units: PassageUnits.Split(passage.Text!)))
                .Select(split =>
                    (split.Passage, split.Units, split.Units.Select(unit => Terms.Of(unit.Shown)).ToList())
                ),
        ];
        var all = _passages.SelectMany(passage => passage.Terms).ToList();
        foreach (var term in _question)
        {
            var holding = all.Count(terms => terms.Contains(term));
            _weights[term] = Math.Log(1 + ((all.Count + 1) / (holding + 0.5)));
        }

        _total = Math.Max(_weights.Values.Sum(), double.Epsilon);
    }

    /// <summary>Up to three stretches, best first; empty when no word of the question occurs anywhere.</summary>
    public List<Excerpt> Choose()
    {
        var best = _passages
            .Select((passage, rank) => Best(passage, rank))
            .OfType<Excerpt>()
            .OrderByDescending(excerpt => excerpt.Score)
            .ToList();
        List<Excerpt> chosen = [];
        foreach (var excerpt in best)
        {
            var sentences = chosen.Sum(other => other.Units.Count) + excerpt.Units.Count;
            if (
                chosen.Count == 0
                || (
                    chosen.Count < MaxExcerpts
                    && sentences <= MaxSentences
                    && excerpt.Score >= FurtherExcerpt * best[0].Score
                    && !chosen.Any(other => SamePlace(other, excerpt))
                )
            )
            {
                chosen.Add(excerpt);
            }
        }

        return chosen;
    }

    /// <summary>The part of the question that occurs in the stretches or above them: 0 to 1.</summary>
    public double Coverage(IReadOnlyList<Excerpt> excerpts)
    {
        var terms = excerpts
            .SelectMany(excerpt =>
                excerpt.Units.Select(unit => unit.Shown).Append(Above(excerpt.Passage, excerpt.Units[0]))
            )
            .SelectMany(Terms.Of)
            .ToHashSet(StringComparer.Ordinal);
        // A word that occurs nowhere weighs most, so weight alone would doubt short questions: half by weight, half by count.
        var found = _question.Where(terms.Contains).ToList();
        return ((found.Sum(term => _weights[term]) / _total) + ((double)found.Count / _question.Count)) / 2;
    }

    private Excerpt? Best(
        (SearchPassage Passage, List<PassageUnit> Units, List<HashSet<string>> Terms) passage,
        int rank
    )
    {
        (int Start, int Count, double Score) best = default;
        for (var start = 0; start < passage.Units.Count; start++)
        {
            var above = Terms.Of(Above(passage.Passage, passage.Units[start]));
            // Rows are answers by themselves: the neighbours are about other things.
            var longest = passage.Units[start].Kind == UnitKind.Row ? 1 : MaxWindow;
            for (var count = 1; count <= longest && start + count <= passage.Units.Count; count++)
            {
                if (passage.Units[start + count - 1].Heading != passage.Units[start].Heading)
                {
                    break;
                }

                var score =
                    Score(passage.Terms.GetRange(start, count), above)
                    + Fit(passage.Units[start], passage.Terms[start]);
                if (score > best.Score)
                {
                    best = (start, count, score);
                }
            }
        }

        if (best.Count == 0)
        {
            return null;
        }

        var units = WithList(passage.Units, best.Start, best.Count);
        return new(passage.Passage, units, best.Score + (RankWeight * _total / _question.Count / (rank + 1)));
    }

    private double Score(List<HashSet<string>> window, HashSet<string> above)
    {
        double score = 0;
        foreach (var (term, weight) in _weights)
        {
            var count = window.Count(terms => terms.Contains(term));
            score +=
                count > 0 ? weight * (1 + (RepeatWeight * (count - 1 + (above.Contains(term) ? 2 : 0))))
                : above.Contains(term) ? weight * HeadingWeight
                : 0;
        }

        return score - (LengthPenalty * _total / _question.Count * (window.Count - 1));
    }

    /// <summary>Who asks how to do something wants steps; anybody would rather read a sentence than a row.</summary>
    private double Fit(PassageUnit first, HashSet<string> terms) =>
        first.Kind switch
        {
            UnitKind.ListItem when _asksHow => StepsWeight * _total,
            UnitKind.Row or UnitKind.Code => -(RowPenalty + (WordPenalty * terms.Count)) * _total / _question.Count,
            _ => 0,
        };

    private static bool AreNeighbours(PassageUnit first, PassageUnit next) =>
        first.Kind == UnitKind.Sentence && next.Kind == UnitKind.Sentence && next.Start - first.End <= 1;

    /// <summary>Steps belong together: a stretch that leads into a list or lies in one brings the list.</summary>
    private List<PassageUnit> WithList(List<PassageUnit> units, int start, int count)
    {
        var end = start + count;
        if (_asksHow || units[end - 1].Kind == UnitKind.ListItem || units[end - 1].Shown.EndsWith(':'))
        {
            while (end < units.Count && end - start < MaxListItems && units[end].Kind is UnitKind.ListItem)
            {
                end++;
            }

            while (
                start > 0
                && end - start < MaxListItems
                && units[start].Kind is UnitKind.ListItem
                && units[start - 1].Kind is UnitKind.ListItem
            )
            {
                start--;
            }
        }

        // A single sentence seldom stands alone: the next of the same paragraph explains it.
        if (end - start == 1 && end < units.Count && AreNeighbours(units[start], units[end]))
        {
            end++;
        }

        return units[start..end];
    }

    private static bool SamePlace(Excerpt left, Excerpt right) =>
        left.Passage.DocumentId == right.Passage.DocumentId
            && left.Passage.Start < right.Passage.End
            && right.Passage.Start < left.Passage.End
        || left.Units[0].Shown == right.Units[0].Shown;

    private static string Above(SearchPassage passage, PassageUnit first) =>
        string.Join(' ', passage.Headings.Prepend(passage.Title).Append(first.Heading));
}
