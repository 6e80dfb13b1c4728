namespace Slipway.Agents.Turns.Internal;

/// <summary>Numbers the citations of a turn and holds their quotes against the stored text.</summary>
internal sealed class TurnCitations(TurnPassages passages, IPassageReader? reader, Principal principal)
{
    private readonly Dictionary<(string Ref, string? Quote), int> _numbers = [];
    private readonly List<(SearchPassage Passage, string? Quote, Citation? Citation)> _citations = [];
    private int _before;

    /// <summary>Numbers go on after those that the owner before has given out: users have seen them.</summary>
    public void ContinueAfter(int number) => _before = number;

    /// <summary>The number for a marker, or null when no passage has that name.</summary>
    public int? Number(string name, string? quote)
    {
        if (passages.Find(name) is not { } passage)
        {
            return null;
        }

        if (!_numbers.TryGetValue((name, quote), out var number))
        {
            _citations.Add((passage, quote, null));
            number = _before + _citations.Count;
            _numbers.Add((name, quote), number);
        }

        return number;
    }

    /// <summary>Looks up the quotes that were not looked up yet.</summary>
    public async ValueTask<IReadOnlyList<Citation>> VerifyAsync(CancellationToken cancellationToken)
    {
        List<Citation>? verified = null;
        for (var i = 0; i < _citations.Count; i++)
        {
            var (passage, quote, citation) = _citations[i];
            if (citation is null)
            {
                citation = Describe(
                    _before + i + 1,
                    passage,
                    await FindAsync(passage, quote, cancellationToken).ConfigureAwait(false)
                );
                _citations[i] = (passage, quote, citation);
                (verified ??= []).Add(citation);
            }
        }

        return verified ?? [];
    }

    /// <summary>A numbered citation; unverified when the turn ended before its quote was looked up.</summary>
    public Citation this[int number] =>
        _citations[number - 1 - _before].Citation
        ?? Describe(number, _citations[number - 1 - _before].Passage, found: null);

    private async ValueTask<(int Start, string Text)?> FindAsync(
        SearchPassage passage,
        string? quote,
        CancellationToken cancellationToken
    )
    {
        if (quote is null || reader is null)
        {
            return null;
        }

        var stored = await reader.ReadAsync(passage.Reference, principal, cancellationToken).ConfigureAwait(false);
        return stored is not null && QuoteFinder.Find(stored, quote) is var (start, end)
            ? (start, stored[start..end])
            : null;
    }

    private static Citation Describe(int number, SearchPassage passage, (int Start, string Text)? found) =>
        new()
        {
            Number = number,
            Passage = found is var (start, text)
                ? passage.Reference with
                {
                    Start = passage.Start + start,
                    End = passage.Start + start + text.Length,
                }
                : passage.Reference,
            Title = passage.Title,
            Name = passage.Name,
            Headings = passage.Headings,
            Uri = passage.Uri,
            Quote = found?.Text,
            Verified = found is not null,
        };
}
