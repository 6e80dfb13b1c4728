namespace Slipway.Hosting.Models.Internal;

/// <summary>Watches the waits of one request: each may last as long as the endpoint may be silent.</summary>
internal sealed class Silence : IDisposable
{
    private readonly ModelEndpoint _endpoint;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _silent;
    private readonly CancellationTokenSource _either;

    public Silence(ModelEndpoint endpoint, CancellationToken cancellationToken)
    {
        _endpoint = endpoint;
        _caller = cancellationToken;
        _silent = new(Timeout.InfiniteTimeSpan, endpoint.Time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _silent.Token);
    }

    public CancellationToken Token => _either.Token;

    public async Task<T> WatchAsync<T>(Func<Task<T>> wait)
    {
        _silent.CancelAfter(_endpoint.Options.Timeout);
        try
        {
            return await wait().ConfigureAwait(false);
        }
        catch (Exception) when (_caller.IsCancellationRequested)
        {
            throw new OperationCanceledException(_caller);
        }
        catch (Exception) when (_silent.IsCancellationRequested)
        {
            throw _endpoint.Silent();
        }
        catch (Exception exception)
        {
            throw _endpoint.Describe(exception);
        }
        finally
        {
            _silent.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _silent.Dispose();
    }
}
