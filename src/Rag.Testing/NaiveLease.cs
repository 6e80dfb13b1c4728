namespace Slipway.Rag.Testing;

/// <summary>What a lease is, in a few variables.</summary>
internal sealed class NaiveLease
{
    private TimeSpan _now;
    private TimeSpan _expiresAt;
    private int? _owner;
    private long _token;

    public (string Owner, long Token)? Holder => IsHeld ? ("owner " + _owner, _token) : null;

    private bool IsHeld => _owner is not null && _expiresAt > _now;

    public void Shift(TimeSpan by) => _now += by;

    public long? Acquire(int owner, TimeSpan duration)
    {
        if (IsHeld && _owner != owner)
        {
            return null;
        }

        (_owner, _expiresAt) = (owner, _now + duration);
        return ++_token;
    }

    public bool Renew(int owner, long token, TimeSpan duration)
    {
        if (!Holds(owner, token))
        {
            return false;
        }

        _expiresAt = _now + duration;
        return true;
    }

    public bool Release(int owner, long token)
    {
        if (!Holds(owner, token))
        {
            return false;
        }

        _owner = null;
        return true;
    }

    private bool Holds(int owner, long token) => IsHeld && _owner == owner && _token == token;
}
