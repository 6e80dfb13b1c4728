namespace Slipway.Rag.Testing;

/// <summary>A process that dies at one of the calls by which it touches anything outside of itself, before the call or after its effect.</summary>
/// <param name="at">The call, from 1; 0 for a process that lives.</param>
/// <param name="afterwards">Whether the call still takes effect.</param>
internal sealed class CrashPoints(int at, bool afterwards) : Gate
{
    private readonly List<string> _names = [];
    private int _calls;

    /// <summary>Calls so far.</summary>
    public int Calls => _calls;

    /// <summary>From then on nothing it does has an effect.</summary>
    public bool IsDead { get; private set; }

    /// <summary>Says where it dies, for whoever wonders what a number stands for.</summary>
    public string Describe()
    {
        lock (_names)
        {
            return $"{(afterwards ? "after" : "before")} {(at <= _names.Count ? _names[at - 1] : "a call that never came")}";
        }
    }

    public override async Task<TResult> PassAsync<TResult>(GatedCall call, Func<Task<TResult>> effect)
    {
        var number = Enter(call.Name);
        var result = await effect();
        Leave(number);
        return result;
    }

    public int Enter(string name)
    {
        ThrowIfDead();
        var call = Interlocked.Increment(ref _calls);
        lock (_names)
        {
            _names.Add(name);
        }

        if (call == at && !afterwards)
        {
            IsDead = true;
        }

        ThrowIfDead();
        return call;
    }

    public void Leave(int call)
    {
        if (call == at && afterwards)
        {
            IsDead = true;
        }

        ThrowIfDead();
    }

    private void ThrowIfDead()
    {
        if (IsDead)
        {
            throw new CrashedException();
        }
    }
}

/// <summary>The process is dead. No error of a document, and nothing that anybody could handle.</summary>
internal sealed class CrashedException() : Exception("The process was killed here.");
