using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>Who holds which document, and who plans, by what the store has granted.</summary>
internal sealed class ClaimBook(SimulatedClock clock)
{
    // A store on a server of its own may be ahead by what a call takes; claims and leases last for many times that.
    private static readonly TimeSpan Grain = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, (long Token, DateTimeOffset ExpiresAt)> _claims = [];
    private readonly Dictionary<string, Lease> _leases = [];

    private DateTimeOffset Now => clock.GetUtcNow();

    public void Grant(IReadOnlyList<DocumentClaim> claims)
    {
        foreach (var claim in claims)
        {
            if (_claims.TryGetValue(claim.Entry.DocumentId, out var held) && held.ExpiresAt > Now + Grain)
            {
                throw new SimulationException($"{claim.Document.Name} was claimed while somebody else held it.");
            }

            if (claim.FencingToken <= held.Token || claim.Entry.NextActionAt is null)
            {
                throw new SimulationException($"{claim.Document.Name} was claimed with an old token, or was not due.");
            }

            _claims[claim.Entry.DocumentId] = (claim.FencingToken, claim.ExpiresAt);
        }
    }

    public void Renew(IReadOnlyList<DocumentClaim> claims)
    {
        foreach (var claim in claims)
        {
            Require(claim, "renewed");
            _claims[claim.Entry.DocumentId] = (claim.FencingToken, claim.ExpiresAt);
        }
    }

    /// <summary>A worker wrote something under a claim, which ends it.</summary>
    public void Use(DocumentClaim? claim, string what)
    {
        if (claim is null)
        {
            throw new SimulationException($"A document was {what} without a claim.");
        }

        Require(claim, what);
        End(claim.Entry.DocumentId);
    }

    public void Return(IReadOnlyCollection<DocumentClaim> claims)
    {
        foreach (var claim in claims)
        {
            if (_claims.TryGetValue(claim.Entry.DocumentId, out var held) && held.Token == claim.FencingToken)
            {
                End(claim.Entry.DocumentId);
            }
        }
    }

    /// <summary>Whoever held it reads what is out of date.</summary>
    public void End(string documentId)
    {
        if (_claims.TryGetValue(documentId, out var held))
        {
            _claims[documentId] = (held.Token, DateTimeOffset.MinValue);
        }
    }

    public void Grant(Lease lease)
    {
        if (
            _leases.TryGetValue(lease.Name, out var held)
            && (held.ExpiresAt > Now + Grain || lease.FencingToken <= held.FencingToken)
        )
        {
            throw new SimulationException($"'{lease.Name}' was given to somebody while another one had it.");
        }

        _leases[lease.Name] = lease;
    }

    public void Renew(Lease lease) => _leases[lease.Name] = lease;

    public void Return(Lease lease)
    {
        if (_leases.GetValueOrDefault(lease.Name)?.FencingToken == lease.FencingToken)
        {
            _leases[lease.Name] = lease with { ExpiresAt = DateTimeOffset.MinValue };
        }
    }

    /// <summary>A planner wrote its plan.</summary>
    public void Use(Lease? lease)
    {
        if (
            lease is null
            || !_leases.TryGetValue(lease.Name, out var held)
            || lease.FencingToken != held.FencingToken
            || held.ExpiresAt < Now
        )
        {
            throw new SimulationException("A planner wrote that has lost its lease.");
        }
    }

    private void Require(DocumentClaim claim, string what)
    {
        if (
            !_claims.TryGetValue(claim.Entry.DocumentId, out var held)
            || held.Token != claim.FencingToken
            || held.ExpiresAt < Now
        )
        {
            throw new SimulationException($"{claim.Document.Name} was {what} under a claim that is lost.");
        }
    }
}
