namespace Slipway.Tests;

/// <summary>One database for the tests of a class that change nothing which another of them reads.</summary>
public sealed class SharedPostgresTestDatabase : IAsyncDisposable
{
    private readonly SemaphoreSlim _making = new(1, 1);
    private PostgresTestDatabase? _database;

    public async ValueTask DisposeAsync()
    {
        _making.Dispose();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    /// <summary>The database, made and filled by whoever asks first. Not in the constructor, so that a test can be skipped.</summary>
    internal async Task<PostgresTestDatabase> GetAsync(Func<PostgresTestDatabase, Task> fill)
    {
        await _making.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_database is null)
            {
                var made = await PostgresTestDatabase.CreateAsync();
                await fill(made);
                _database = made;
            }

            return _database;
        }
        finally
        {
            _making.Release();
        }
    }
}
