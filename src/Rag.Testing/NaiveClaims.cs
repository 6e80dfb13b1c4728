namespace Slipway.Rag.Testing;

/// <summary>Who holds which document, in a few variables. All are due, since the same time.</summary>
/// <param name="names">The documents by their ids.</param>
internal sealed class NaiveClaims(IEnumerable<string> names)
{
    private readonly List<string> _order = [.. names];
    private readonly Dictionary<string, Held> _documents = [];
    private long _lastToken;

    private readonly record struct Held(int? Worker, long Token, int Until);

    /// <summary>Hours.</summary>
    public int Now { get; set; }

    /// <returns>How many documents are free for it. The tokens that the store gave are checked and kept.</returns>
    public int Claim(int worker, int count, int hours, IReadOnlyList<long> tokens)
    {
        var free = _order
            .Where(name => !_documents.TryGetValue(name, out var held) || held.Worker is null || held.Until <= Now)
            .Take(count)
            .ToList();
        if (free.Count == tokens.Count)
        {
            foreach (var (name, token) in free.Zip(tokens))
            {
                Assert.True(token > _lastToken);
                _lastToken = token;
                _documents[name] = new Held(worker, token, Now + hours);
            }
        }

        return free.Count;
    }

    public bool Renew(string name, int worker, long token, int hours)
    {
        if (!Holds(name, worker, token))
        {
            return false;
        }

        _documents[name] = _documents[name] with { Until = Now + hours };
        return true;
    }

    public bool Return(string name, int worker, long token)
    {
        if (!Holds(name, worker, token))
        {
            return false;
        }

        _documents[name] = default;
        return true;
    }

    /// <summary>A failure that is due again at once ends a claim like giving it back does.</summary>
    public bool Fail(string name, int worker, long token) => Return(name, worker, token);

    private bool Holds(string name, int worker, long token) =>
        _documents[name] is { Worker: { } holder } held && holder == worker && held.Token == token && held.Until > Now;
}
