namespace Slipway.Rag.Testing;

/// <summary>What a call came to.</summary>
internal readonly record struct Outcome(object? Result, Exception? Error);

/// <summary>A call that waits at the gate of its worker until the scheduler lets it go on.</summary>
internal sealed class ParkedCall(SimulatedWorker worker, GatedCall call, Func<Task<object?>> effect)
{
    // Its continuation runs inside of the scheduler's call: when that returns, the worker is at its next gate.
    private readonly TaskCompletionSource<object?> _reply = new();

    public SimulatedWorker Worker => worker;

    public GatedCall Call => call;

    public string Name => call.Name;

    /// <summary>By a timer, beside the work.</summary>
    public bool IsRenewal => Name.EndsWith(".RenewAsync", StringComparison.Ordinal);

    /// <summary>Set when the effect has taken place and the worker does not know yet.</summary>
    public Outcome? Held { get; set; }

    public Task<object?> Reply => _reply.Task;

    public async Task<Outcome> TakeEffectAsync()
    {
        try
        {
            return new Outcome(await effect(), null);
        }
        catch (SlipwayException exception)
        {
            return new Outcome(null, exception);
        }
    }

    public void Deliver(Outcome outcome)
    {
        if (outcome.Error is { } error)
        {
            _reply.TrySetException(error);
        }
        else
        {
            _reply.TrySetResult(outcome.Result);
        }
    }

    public void Cancel(CancellationToken cancellationToken) => _reply.TrySetCanceled(cancellationToken);
}
