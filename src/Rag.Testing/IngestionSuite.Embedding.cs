using Slipway.Rag.Ingestion;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

// What is sent to the model: in which pieces, and how much of it.
public abstract partial class IngestionSuite
{
    private int _calls;

    [Fact]
    public async Task Small_documents_share_requests()
    {
        using var knowledge = Pumps(new CountingEmbedder { Meanwhile = CountCallAsync }, new() { MaxConcurrency = 1 });

        var report = await knowledge.RunAsync();

        Assert.Equal((20, 20, 1), (report.Added, report.Embedded, _calls));
    }

    [Fact]
    public async Task A_text_that_the_model_refuses_fails_its_document_alone()
    {
        var embedder = new CountingEmbedder
        {
            Fails = input =>
                input.Contains("pump 7", StringComparison.Ordinal)
                    ? new SlipwayException(ErrorClass.Permanent, "This text is not accepted.")
                    : null,
        };
        using var knowledge = Pumps(embedder, new() { MaxConcurrency = 1 });

        var report = await knowledge.RunAsync();

        Assert.Equal("07.md", Assert.Single(report.Errors).Name);
        Assert.Equal(19, report.Added);
        Assert.Equal(DocumentState.Quarantined, (await knowledge.DocumentAsync("07.md")).State);
    }

    [Fact]
    public async Task A_request_that_fails_for_a_passing_reason_fails_the_documents_in_it_and_asks_nobody_again()
    {
        var embedder = new CountingEmbedder
        {
            Meanwhile = CountCallAsync,
            Fails = input =>
                input.Contains("pump 7", StringComparison.Ordinal)
                    ? new SlipwayException(ErrorClass.Transient, "It is overloaded.")
                    : null,
        };
        using var knowledge = Pumps(embedder, new() { MaxConcurrency = 1, EmbeddingBatchSize = 5 });

        var report = await knowledge.RunAsync();

        Assert.Equal((15, 5, 4), (report.Added, report.Errors.Count, _calls));
        var failed = (await knowledge.DocumentsAsync())
            .Where(document => document.State == DocumentState.Failed)
            .ToList();
        Assert.Equal(5, failed.Count);
        // They do not all come back at one moment.
        Assert.Equal(5, failed.Select(document => document.NextActionAt).Distinct().Count());
    }

    [Fact]
    public async Task A_server_that_names_a_time_is_not_asked_before()
    {
        var embedder = new CountingEmbedder
        {
            Fails = _ => new SlipwayException(ErrorClass.Transient, "Later.") { RetryAfter = TimeSpan.FromMinutes(9) },
        };
        using var knowledge = Pumps(embedder, new());

        await knowledge.RunAsync();

        Assert.All(
            await knowledge.DocumentsAsync(),
            document => Assert.InRange((document.NextActionAt!.Value - Time.GetUtcNow()).TotalSeconds, 540, 550)
        );
    }

    [Fact]
    public async Task What_a_run_may_not_spend_is_left_for_the_next_one()
    {
        var options = new IngestionOptions
        {
            MaxConcurrency = 1,
            ClaimedAtOnce = 4,
            EmbeddingPrice = 1_000_000, // a token costs 1
            MaxRunCost = 30,
        };
        using var knowledge = Pumps(new CountingEmbedder(), options);

        var report = await knowledge.RunAsync();

        Assert.Equal(nameof(IngestionOptions.MaxRunCost), report.Stopped);
        Assert.InRange(report.Added, 4, 8);
        Assert.Equal(report.EmbeddedTokens, report.EmbeddingCost);
        Assert.InRange(report.EmbeddedTokens, 30, 120);
        var runs = 1;
        while ((report = await knowledge.RunAsync()).Stopped is not null)
        {
            Assert.InRange(++runs, 2, 10);
        }

        Assert.Equal(20, await knowledge.CountAsync(StoredKind.Chunks));
        Assert.Equal(20, await knowledge.CountAsync(StoredKind.Embeddings));
    }

    [Fact]
    public async Task A_run_ends_when_its_time_is_over_and_the_next_one_goes_on()
    {
        var options = new IngestionOptions
        {
            MaxConcurrency = 1,
            ClaimedAtOnce = 4,
            MaxRunTime = TimeSpan.FromMinutes(1),
        };
        using var knowledge = Pumps(
            new CountingEmbedder
            {
                Meanwhile = () =>
                {
                    Time.Advance(TimeSpan.FromSeconds(40));
                    return Task.CompletedTask;
                },
            },
            options
        );

        var report = await knowledge.RunAsync();

        Assert.Equal((nameof(IngestionOptions.MaxRunTime), 8), (report.Stopped, report.Added));
        Assert.Equal(8, (await knowledge.RunAsync()).Added);
        report = await knowledge.RunAsync();
        Assert.Equal((null, 4), (report.Stopped, report.Added));
    }

    private Task CountCallAsync()
    {
        Interlocked.Increment(ref _calls);
        return Task.CompletedTask;
    }

    private Knowledge Pumps(CountingEmbedder embedder, IngestionOptions options)
    {
        var knowledge = new Knowledge(Store, Time, embedder, options: options);
        for (var i = 0; i < 20; i++)
        {
            knowledge.Write($"{i:D2}.md", $"The valve of pump {i} leaks.\n");
        }

        return knowledge;
    }
}
