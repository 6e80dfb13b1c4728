using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Tests.Conformance;

namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>A publication that fails at any place is done once or not at all, and may be done again.</summary>
public sealed class PublishFaultTests : IAsyncLifetime
{
    private PostgresTestDatabase _test = null!;
    private PostgresStoreFixture _store = null!;
    private int _published;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _test = await PostgresTestDatabase.CreateAsync();
        _store = new PostgresStoreFixture(_test, new FixedClock(), owns: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    /// <summary>The session ends, or the transaction loses a race: the store does it again by itself.</summary>
    [Theory]
    [InlineData(StatementFaults.Terminate)]
    public Task Struck_at_any_statement_it_is_repeated(string fault) => StrikeAsync(fault);

    [Theory(Explicit = true)]
    [Trait("Tier", "nightly")]
    [InlineData("40001")]
    [InlineData("40P01")]
    public Task Out_of_order_at_any_statement_it_is_repeated(string fault) => StrikeAsync(fault);

    private async Task StrikeAsync(string fault)
    {
        await StatementFaults.InstallAsync(_test);
        await PublishAsync(_store);
        var struck = 0;
        for (; ; struck++)
        {
            await StatementFaults.ArmAsync(_test, struck + 1, fault);
            await PublishAsync(_store);
            if (await StatementFaults.CountAsync(_test) <= struck)
            {
                break;
            }
        }

        Assert.InRange(struck, 10, 100); // the statements of embeddings, rows and index
        await CheckAsync();
    }

    /// <summary>What a repetition would not cure is an error that says so, and nothing has changed.</summary>
    [Theory]
    [InlineData("53100", ErrorClass.Transient, "disk")]
    public Task Refused_at_any_statement_it_leaves_nothing(string fault, ErrorClass expected, string says) =>
        RefuseAsync(fault, expected, says);

    [Theory(Explicit = true)]
    [Trait("Tier", "nightly")]
    [InlineData("53200", ErrorClass.Transient, "53200")]
    [InlineData("57014", ErrorClass.Transient, "57014")]
    [InlineData("25006", ErrorClass.Transient, "read only")]
    [InlineData("42501", ErrorClass.Authentication, "role")]
    [InlineData("22000", ErrorClass.Permanent, "22000")]
    public Task Refused_for_other_reasons_it_leaves_nothing(string fault, ErrorClass expected, string says) =>
        RefuseAsync(fault, expected, says);

    private async Task RefuseAsync(string fault, ErrorClass expected, string says)
    {
        await StatementFaults.InstallAsync(_test);
        await PublishAsync(_store);
        var struck = 0;
        for (; ; struck++)
        {
            await StatementFaults.ArmAsync(_test, struck + 1, fault);
            var error = await Record.ExceptionAsync(() => PublishAsync(_store));
            if (error is null)
            {
                break;
            }

            var described = Assert.IsType<SlipwayException>(error);
            Assert.Equal(expected, described.Class);
            Assert.Contains(says, described.Message, StringComparison.Ordinal);
        }

        Assert.InRange(struck, 10, 100);
        await CheckAsync();
    }

    [Fact]
    public Task Cut_behind_some_messages_it_is_repeated() => CutAsync(step: 23);

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task Cut_behind_any_message_it_is_repeated() => CutAsync(step: 1);

    [Fact]
    public async Task Whichever_answer_is_lost_it_is_done_once()
    {
        await using var proxy = new LoopbackProxy(_test.ConnectionString);
        await using var store = Through(proxy);
        await PublishAsync(store);
        for (var request = 1; ; request++)
        {
            (proxy.HasCut, proxy.LoseAnswerTo) = (false, proxy.Requests + request);
            await PublishAsync(store);
            if (!proxy.HasCut)
            {
                Assert.InRange(request, 5, 60);
                break;
            }
        }

        await CheckAsync();
    }

    /// <summary>A network that stands still costs a time-out, a slow one nothing but time.</summary>
    [Fact]
    public async Task A_network_that_stands_still_is_given_up_after_the_set_time()
    {
        await using var proxy = new LoopbackProxy(_test.ConnectionString);
        await using var store = Through(proxy, ";Command Timeout=1;Cancellation Timeout=100;Timeout=1");
        await PublishAsync(store);

        proxy.Stall();
        var error = await Assert.ThrowsAsync<SlipwayException>(() => PublishAsync(store));
        proxy.Resume();
        Assert.Equal(ErrorClass.Transient, error.Class);
        Assert.Contains("in time", error.Message, StringComparison.Ordinal);
        Assert.Contains("Command Timeout", error.Fix, StringComparison.Ordinal);

        proxy.Delay = TimeSpan.FromMilliseconds(5);
        await PublishAsync(store);
        await CheckAsync();
    }

    private async Task CutAsync(int step)
    {
        await using var proxy = new LoopbackProxy(_test.ConnectionString);
        await using var store = Through(proxy);
        await PublishAsync(store);
        for (var message = 1; ; message += step)
        {
            (proxy.HasCut, proxy.CutBehindMessage) = (false, proxy.Messages + message);
            await PublishAsync(store);
            if (!proxy.HasCut)
            {
                Assert.InRange(message, 30, 600);
                break;
            }
        }

        await CheckAsync();
    }

    private PostgresStoreFixture Through(LoopbackProxy proxy, string more = "") =>
        new(
            _test,
            new FixedClock(),
            owns: false,
            new PostgresStorageOptions { ConnectionString = proxy.ConnectionString + more }
        );

    /// <summary>One document over and over; a version counts when it was answered.</summary>
    private async Task PublishAsync(PostgresStoreFixture store)
    {
        var texts = Texts(_published + 1);
        var publication = Corpus.Publication("d", texts) with { BaseVersion = _published };
        await store.Documents.SaveEmbeddingsAsync(
            Corpus.Model,
            [.. publication.Chunks.Select(c => (c.ContentHash, (ReadOnlyMemory<float>)WordVectors.Of(c.Text)))],
            Token
        );
        var (_, version) = await store.Documents.PublishAsync(publication, Token);
        Assert.Equal(++_published, version);
    }

    /// <summary>Exactly what was answered is there, and another process finds the same.</summary>
    private async Task CheckAsync()
    {
        await using var other = await _store.ReopenAsync(Token);
        var texts = Texts(_published);
        Assert.Equal(string.Concat(texts), await new Corpus(other).TextAsync(Corpus.Id("d")));
        Assert.Equal(_published, await _store.CountAsync(StoredKind.Versions, Token));
        Assert.Equal(_published, await _store.CountAsync(StoredKind.Attempts, Token));
        Assert.Equal(texts.Length, await _store.CountAsync(StoredKind.Chunks, Token));
        var naive = new NaiveBm25();
        naive.Documents[Corpus.Id("d")] = texts;
        foreach (var query in SearchHistory.Queries)
        {
            Assert.Equal(naive.Search(query, 50), await Corpus.SearchAsync(_store.Search, query, 50));
            Assert.Equal(naive.Search(query, 50), await Corpus.SearchAsync(other.Search, query, 50));
        }
    }

    private static string[] Texts(int version) =>
        [
            .. Enumerable
                .Range(0, 1 + (version % 4))
                .Select(part => $"pump {SearchHistory.Vocabulary[(version + part) % 12]} v{version} part{part} "),
        ];
}
