using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Tests.Conformance;

namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>The server goes away while documents are published, politely or not, and comes back.</summary>
[Collection(nameof(FaultServer))]
public sealed class RestartTests(FaultServer fault) : IAsyncLifetime
{
    private const int Workers = 4;

    private IOwnPostgres _server = null!;
    private PostgresTestDatabase _test = null!;
    private PostgresStoreFixture _store = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await fault.GetAsync();
        _test = await PostgresTestDatabase.CreateEmptyAsync(_server.ConnectionString);
        _store = new PostgresStoreFixture(_test, new FixedClock(), owns: true);
        await _store.Database.OpenAsync(Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    public Task What_was_answered_is_there_once_and_nothing_is_half(bool kills, int interruptions) =>
        InterruptAsync(kills, interruptions);

    [Theory(Explicit = true)]
    [Trait("Tier", "nightly")]
    [InlineData(false, 10)]
    [InlineData(true, 12)]
    public Task The_same_many_times(bool kills, int interruptions) => InterruptAsync(kills, interruptions);

    /// <summary>The run waits for the server and goes on; what could not wait so long is tried again by the next run.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_ingestion_run_survives_it(bool kills)
    {
        var embedded = 0;
        using var embedder = new CountingEmbedder
        {
            Meanwhile = async () =>
            {
                if (Interlocked.Increment(ref embedded) == 8)
                {
                    await (kills ? _server.KillAsync() : _server.StopAsync());
                    await _server.StartAsync();
                }
            },
        };
        using var knowledge = new Knowledge(
            _store,
            TimeProvider.System,
            embedder,
            options: new() { RetryDelay = TimeSpan.Zero }
        );
        for (var i = 0; i < 24; i++)
        {
            knowledge.Write($"{i:D2}.md", $"# Pump {i}\n\nThe valve of pump {i} leaks.\n");
        }

        var reports = new List<Rag.Ingestion.IngestionReport>();
        do
        {
            reports.Add(await knowledge.RunAsync());
            Assert.All(reports[^1].Errors, error => Assert.Equal(ErrorClass.Transient, error.Class));
        } while (reports[^1].Errors.Count > 0 && reports.Count < 5);

        Assert.Empty(reports[^1].Errors);
        var documents = await knowledge.DocumentsAsync();
        Assert.Equal(24, documents.Count);
        Assert.All(
            documents,
            document => Assert.Equal((DocumentState.Published, 1), (document.State, document.Version))
        );
        Assert.Equal(documents.Sum(document => document.Chunks), await _store.CountAsync(StoredKind.Chunks, Token));
        Assert.Equal(20, (await knowledge.SearchAsync("valve leaks")).Count);
    }

    private async Task InterruptAsync(bool kills, int interruptions)
    {
        using var done = new CancellationTokenSource();
        using var progress = new SemaphoreSlim(0);
        var published = new int[Workers]; // versions that each worker was told of
        var publishing = Task.WhenAll(
            Enumerable.Range(0, Workers).Select(worker => Task.Run(() => PublishAsync(worker), Token))
        );
        for (var i = 0; i < interruptions; i++)
        {
            await ProgressAsync(5);
            await (kills ? _server.KillAsync() : _server.StopAsync());
            await _server.StartAsync();
        }

        await ProgressAsync(5);
        await done.CancelAsync();
        await publishing;
        var naive = new NaiveBm25();
        for (var worker = 0; worker < Workers; worker++)
        {
            Assert.Equal(
                string.Concat(Texts(worker, published[worker])),
                await new Corpus(_store).TextAsync(Corpus.Id($"d{worker}"))
            );
            naive.Documents[Corpus.Id($"d{worker}")] = Texts(worker, published[worker]);
        }

        // A version that was published twice would be there twice, or would have met itself as a conflict.
        Assert.Equal(published.Sum(), await _store.CountAsync(StoredKind.Versions, Token));
        Assert.Equal(published.Sum(), await _store.CountAsync(StoredKind.Attempts, Token));
        Assert.Equal(
            naive.Documents.Sum(document => document.Value.Length),
            await _store.CountAsync(StoredKind.Chunks, Token)
        );
        await using var other = await _store.ReopenAsync(Token);
        foreach (var query in SearchHistory.Queries)
        {
            Assert.Equal(naive.Search(query, 100), await Corpus.SearchAsync(_store.Search, query, 100));
            Assert.Equal(naive.Search(query, 100), await Corpus.SearchAsync(other.Search, query, 100));
        }

        async Task PublishAsync(int worker)
        {
            while (!done.IsCancellationRequested)
            {
                try
                {
                    var (_, version) = await _store.Documents.PublishAsync(
                        Corpus.Publication($"d{worker}", Texts(worker, published[worker] + 1)) with
                        {
                            BaseVersion = published[worker],
                        },
                        Token
                    );
                    Assert.Equal(published[worker] + 1, version);
                    Interlocked.Increment(ref published[worker]);
                    progress.Release();
                }
                catch (SlipwayException exception)
                    when (exception is { Class: ErrorClass.Transient } and not PublicationConflictException)
                {
                    // Not answered: the version is the one before, or this one where the error says that it is not known.
                    var stored = await AskAsync(worker);
                    var isUnknown = exception.Message.Contains("not known", StringComparison.Ordinal);
                    Assert.InRange(stored, published[worker], published[worker] + (isUnknown ? 1 : 0));
                    published[worker] = stored;
                }
            }
        }

        async Task<int> AskAsync(int worker)
        {
            while (true)
            {
                try
                {
                    var entry = await _store
                        .Documents.ReadLedgerAsync(CollectionKey.Default, Corpus.Source, Token)
                        .SingleOrDefaultAsync(entry => entry.ExternalId == $"d{worker}", Token);
                    return entry?.Version ?? 0;
                }
                catch (SlipwayException exception) when (exception.Class == ErrorClass.Transient)
                {
                    // The server is still away.
                }
            }
        }

        async Task ProgressAsync(int versions)
        {
            while (progress.Wait(0, Token)) { } // what was published before does not count
            for (var i = 0; i < versions * Workers; i++)
            {
                await await Task.WhenAny(progress.WaitAsync(Token), publishing);
            }
        }
    }

    private static string[] Texts(int worker, int version) =>
        [
            .. Enumerable
                .Range(0, 1 + (version % 4))
                .Select(part =>
                    $"pump {SearchHistory.Vocabulary[(worker + version + part) % 12]} v{version} part{part} "
                ),
        ];
}
