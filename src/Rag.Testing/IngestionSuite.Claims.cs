using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

// Several processes at one source, and documents that fail.
public abstract partial class IngestionSuite
{
    [Fact]
    public async Task What_fails_again_and_again_is_given_up_with_its_reason()
    {
        var embedder = new CountingEmbedder
        {
            Fails = _ => new SlipwayException(ErrorClass.Transient, "It is overloaded."),
        };
        using var knowledge = new Knowledge(Store, Time, embedder, options: new IngestionOptions { MaxAttempts = 3 });
        knowledge.Write("a.md", "alpha");

        for (var attempt = 1; attempt <= 3; attempt++)
        {
            Assert.Single((await knowledge.RunAsync()).Errors);
            Time.Advance(TimeSpan.FromHours(1));
        }

        var document = await knowledge.DocumentAsync("a.md");
        Assert.Equal((DocumentState.Quarantined, 3, null), (document.State, document.Attempts, document.NextActionAt));
        Assert.Contains("after 3 attempts: It is overloaded.", document.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await knowledge.RunAsync()).Resting);
    }

    /// <summary>It is another process's turn to plan: this one works on what is due and leaves the rest to it.</summary>
    [Fact]
    public async Task Who_may_not_plan_works_on_what_is_due()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("due.md", "alpha");
        knowledge.Write("listed.md", "beta");
        await Store.Queue.ApplyAsync(
            new PlannedChanges
            {
                Collection = CollectionKey.Default,
                Source = knowledge.Source.Name,
                Due =
                [
                    await knowledge
                        .Source.ListAsync(Token)
                        .OfType<SourceDocument>()
                        .FirstAsync(one => one.Name == "due.md", Token),
                ],
            },
            Token
        );
        var planner = await Store.Leases.AcquireAsync(
            "plan default/default/local",
            "another",
            TimeSpan.FromHours(1),
            Token
        );

        var report = await knowledge.RunAsync();

        Assert.Equal((1, 0), (report.Added, report.Unchanged));
        Assert.Equal(["due.md"], (await knowledge.DocumentsAsync()).Select(document => document.Name));
        await Store.Leases.ReleaseAsync(planner!, Token);
        Assert.Equal((1, 1), ((await knowledge.RunAsync()) is var next ? (next.Added, next.Unchanged) : default));
    }

    /// <summary>Stopped in the middle, it keeps nothing from others.</summary>
    [Fact]
    public async Task A_run_that_is_stopped_gives_back_what_it_held()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var embedder = new CountingEmbedder { Meanwhile = stop.CancelAsync };
        using var stopped = new Knowledge(Store, Time, embedder);
        for (var i = 0; i < 5; i++)
        {
            stopped.Write($"{i}.md", $"page {i}");
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            stopped.Pipeline.RunAsync(stopped.Source, CollectionKey.Default, null, stop.Token)
        );

        using var next = new Knowledge(Store, Time, folder: stopped.Folder);
        Assert.Equal(5, (await next.RunAsync()).Added);
    }

    /// <summary>Whoever starts a program again after it was killed need not wait until what it held expires.</summary>
    [Fact]
    public async Task What_a_dead_process_of_this_host_held_is_taken_over_at_once()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("a.md", "alpha");
        var dead = $"{Environment.MachineName.Replace('/', '-')}/{int.MaxValue}/1/run";
        const string Elsewhere = "another-host/1/1/run";
        var hour = TimeSpan.FromHours(1);
        await Store.Queue.ApplyAsync(
            new PlannedChanges
            {
                Collection = CollectionKey.Default,
                Source = "other",
                Due = [Corpus.Document("held elsewhere"), Corpus.Document("held here")],
            },
            Token
        );
        foreach (var owner in new[] { Elsewhere, dead })
        {
            Assert.Single(await Store.Queue.ClaimAsync(CollectionKey.Default, owner, 1, hour, null, Token));
        }

        await Store.Leases.AcquireAsync("plan default/default/local", dead, hour, Token);
        Assert.Equal(2, (await Store.Queue.ListOwnersAsync(CollectionKey.Default, Token)).Count);

        await knowledge.RunAsync();

        Assert.Equal(["a.md"], await knowledge.SearchAsync("alpha"));
        Assert.Equal([Elsewhere], await Store.Queue.ListOwnersAsync(CollectionKey.Default, Token));
    }
}
