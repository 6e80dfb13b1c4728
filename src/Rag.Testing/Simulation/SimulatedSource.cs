using System.Globalization;
using System.Text;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>A document as the source has it.</summary>
/// <param name="Id">Where it stands: a folder and a name.</param>
/// <param name="Text">Parts, one a paragraph; each of them becomes a chunk. Empty for what is no text.</param>
/// <param name="ModifiedAt">No two writes have the same time, so that time tells what changed.</param>
/// <param name="Write">Rises with each write of any document.</param>
internal sealed record SimulatedDocument(string Id, string Text, DateTimeOffset ModifiedAt, int Write)
{
    /// <summary>A picture, which no reader reads.</summary>
    private static readonly byte[] Picture = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 0];

    /// <summary>Where it ends.</summary>
    public DocumentState State =>
        IsPicture ? DocumentState.Skipped
        : Text.Contains(SimulatedSource.Poison, StringComparison.Ordinal) ? DocumentState.Quarantined
        : DocumentState.Published;

    private bool IsPicture => Id.EndsWith(".png", StringComparison.Ordinal);

    public byte[] Bytes => IsPicture ? Picture : Encoding.UTF8.GetBytes(Text);
}

/// <summary>What there is, and everything that ever was. It changes while others list and read it.</summary>
internal sealed class SimulatedSource(SimulatedClock clock, Random random)
{
    public const string Name = "simulated";

    /// <summary>Stands in every part, so that one search finds all chunks.</summary>
    public const string Word = "boiler";

    /// <summary>The model refuses to embed it.</summary>
    public const string Poison = "poison";

    private static readonly string[] Places = ["a/1", "a/2", "a/3", "b/1", "b/2", "b/3", "c/1"];

    private readonly SortedDictionary<string, SimulatedDocument> _documents = new(StringComparer.Ordinal);
    private readonly List<SimulatedDocument> _past = [];
    private int _parts;

    public IReadOnlyCollection<SimulatedDocument> Documents => _documents.Values;

    /// <summary>Whether listings are whole and true from now on.</summary>
    public bool IsTruthful { get; set; }

    public SimulatedDocument? Find(string id) => _documents.GetValueOrDefault(id);

    /// <summary>When a place had this text last, by the count of writes; null for never.</summary>
    public int? FindWrite(string id, string text) => _past.FindLast(one => one.Id == id && one.Text == text)?.Write;

    /// <summary>Something happens to the source.</summary>
    /// <returns>What, for the trace.</returns>
    public string Change()
    {
        var free = Places
            .Where(place => !_documents.Keys.Any(id => id.StartsWith(place, StringComparison.Ordinal)))
            .ToList();
        if (_documents.Count == 0 || (_documents.Count < 6 && random.Next(5) == 0))
        {
            return "added " + Put(Pick(free) + (random.Next(8) == 0 ? ".png" : ".txt"), NewText());
        }

        var document = Pick([.. _documents.Values]);
        switch (random.Next(12))
        {
            case 0 or 1:
                _documents.Remove(document.Id);
                return "deleted " + document.Id;
            case 2 or 3 when free.Count > 0:
                _documents.Remove(document.Id);
                return $"renamed {document.Id} to "
                    + Put(Pick(free) + document.Id[^4..], document.Text, document.ModifiedAt);
            case 4:
                return "touched " + Put(document.Id, document.Text);
            case 5:
                var earlier = Pick([.. _past.Where(one => one.Id == document.Id)]);
                return "restored " + Put(document.Id, earlier.Text);
            case 6:
                return "copied to " + Put(document.Id, Pick([.. _documents.Values]).Text);
            case 7 when random.Next(2) == 0:
                var all = _documents.Keys.ToList();
                all.RemoveAll(_ => random.Next(4) == 0);
                all.ForEach(id => _documents.Remove(id));
                return "deleted " + string.Join(' ', all);
            case 8:
                return "poisoned " + Put(document.Id, $"{Word} {Poison}{++_parts}");
            default:
                return "edited " + Put(document.Id, Edited(document.Text));
        }
    }

    /// <summary>A listing in any order; unless it must be true, it may also be broken in every way that a listing can be.</summary>
    public Listing List()
    {
        var documents = _documents.Values.Select(Listed).ToArray();
        random.Shuffle(documents);
        var listing = new Listing { Items = documents };
        if (IsTruthful)
        {
            return listing;
        }

        switch (random.Next(16))
        {
            case 0:
                return listing with
                {
                    What = "failed",
                    Items = documents[..random.Next(documents.Length + 1)],
                    Fails = true,
                };
            case 1: // a mount that is gone: everything has vanished, and nothing says that this is wrong
                return listing with { What = "vanished", Items = [] };
            case 2 or 3:
                var gap = Pick(["a/", "b/", ""]);
                return listing with
                {
                    What = $"gap '{gap}'",
                    Items =
                    [
                        .. documents.Where(one => !one.ExternalId.StartsWith(gap, StringComparison.Ordinal)),
                        new SourceGap(gap, "It could not be listed."),
                    ],
                };
            case 4 or 5 when documents.Length > 0:
                return listing with { What = "twice", Items = [.. documents, Pick(documents)] };
            default:
                return listing;
        }
    }

    private static SourceDocument Listed(SimulatedDocument document) =>
        new()
        {
            ExternalId = document.Id,
            Name = document.Id,
            Size = document.Bytes.Length,
            ModifiedAt = document.ModifiedAt,
        };

    private string Put(string id, string text, DateTimeOffset? modifiedAt = null)
    {
        var document = new SimulatedDocument(id, text, modifiedAt ?? clock.GetUtcNow(), _past.Count + 1);
        _past.Add(document);
        _documents[id] = document;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{id} '{text.Replace("\n\n", ", ", StringComparison.Ordinal)}'"
        );
    }

    private string NewText() => string.Join("\n\n", Enumerable.Range(0, random.Next(5)).Select(_ => NewPart()));

    private string NewPart() => string.Create(CultureInfo.InvariantCulture, $"{Word} part{++_parts}");

    /// <summary>One part is new; the others have been paid for.</summary>
    private string Edited(string text)
    {
        var parts = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).ToList();
        if (parts.Count > 1 && random.Next(3) == 0)
        {
            parts.RemoveAt(random.Next(parts.Count));
        }
        else if (parts.Count is 0 or (< 4 and > 0) && random.Next(2) == 0)
        {
            parts.Add(NewPart());
        }
        else if (parts.Count > 0)
        {
            parts[random.Next(parts.Count)] = NewPart();
        }

        return string.Join("\n\n", parts);
    }

    private T Pick<T>(IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];
}

/// <summary>A listing as somebody got it.</summary>
internal sealed record Listing
{
    public required IReadOnlyList<SourceItem> Items { get; init; }

    /// <summary>Whether it breaks off with an error after these.</summary>
    public bool Fails { get; init; }

    /// <summary>What is wrong with it, for the trace.</summary>
    public string What { get; init; } = "";

    /// <summary>Whether a document is neither in it nor in one of its gaps.</summary>
    public bool Misses(string id) =>
        !Items.Any(item =>
            item switch
            {
                SourceDocument document => document.ExternalId == id,
                SourceGap gap => id.StartsWith(gap.Prefix, StringComparison.Ordinal),
                _ => false,
            }
        );
}
