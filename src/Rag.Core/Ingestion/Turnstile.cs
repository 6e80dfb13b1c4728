namespace Slipway.Rag.Ingestion;

/// <summary>Lets so many in at a time.</summary>
internal sealed class Turnstile(int places) : IDisposable
{
    private readonly SemaphoreSlim _places = new(places);

    /// <summary>Waits for a place; disposing what is returned gives it back.</summary>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Place(_places);
    }

    public void Dispose() => _places.Dispose();

    private sealed class Place(SemaphoreSlim places) : IDisposable
    {
        public void Dispose() => places.Release();
    }
}
