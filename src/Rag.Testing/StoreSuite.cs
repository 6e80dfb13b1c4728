using Microsoft.Extensions.Time.Testing;

namespace Slipway.Rag.Testing;

/// <summary>Base of the suites: each test has a database of its own.</summary>
/// <param name="open">Opens the store under test.</param>
public abstract class StoreSuite(OpenStore open) : IAsyncLifetime
{
    private StoreFixture? _store;
    private Corpus? _corpus;

    /// <summary>The store under test.</summary>
    protected StoreFixture Store => _store ?? throw new InvalidOperationException("The test has not begun.");

    /// <summary>The store's clock. It stands still until the test moves it.</summary>
    protected FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 6, 1, 8, 0, 0, TimeSpan.Zero));

    /// <summary>The test's token.</summary>
    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected Corpus Corpus => _corpus ??= new Corpus(Store);

    /// <summary>The clock that the store is opened with.</summary>
    private protected virtual TimeProvider Clock => Time;

    /// <summary>Makes the database.</summary>
    public virtual async ValueTask InitializeAsync() => _store = await open(Clock, Token);

    /// <summary>Removes it.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }
}
