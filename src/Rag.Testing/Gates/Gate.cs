namespace Slipway.Rag.Testing;

/// <summary>What stands between a process and everything outside of it: it lets a call through, or does not.</summary>
internal abstract class Gate
{
    /// <param name="call">Which call it is.</param>
    /// <param name="effect">The call itself.</param>
    public abstract Task<TResult> PassAsync<TResult>(GatedCall call, Func<Task<TResult>> effect);
}

/// <summary>A call by which a process touches something outside of itself.</summary>
/// <param name="Name">Contract and method.</param>
/// <param name="Arguments">As the process gave them.</param>
internal sealed record GatedCall(string Name, params object?[] Arguments);
