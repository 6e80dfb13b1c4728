using System.Globalization;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;

namespace Slipway.Tests;

/// <summary>Many real processes at one source, one of them killed again and again: everything is done, and once.</summary>
public abstract class IngestionCrowdTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Kills of the default tier; a process costs most of a second.</summary>
    protected virtual int Kills => 2;

    [Fact]
    public Task Four_workers_of_which_one_is_killed_now_and_then_publish_every_document_once() =>
        RunAsync(workers: 4, kills: Kills, documents: 10 * Kills, steps: 20, pause: TimeSpan.Zero, seed: 1);

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task Sixteen_workers_of_which_one_is_killed_every_second_publish_every_document_once() =>
        RunAsync(workers: 16, kills: 15, documents: 400, steps: 0, pause: TimeSpan.FromSeconds(1), seed: 2);

    protected abstract Task<WorkerDatabase> OpenAsync();

    /// <param name="workers">Processes at the same time.</param>
    /// <param name="kills">As long as there were fewer, more documents come.</param>
    /// <param name="documents">So many come at once.</param>
    /// <param name="steps">Steps of all workers between two kills.</param>
    /// <param name="pause">Time between two kills.</param>
    /// <param name="seed">Who is killed.</param>
    private async Task RunAsync(int workers, int kills, int documents, int steps, TimeSpan pause, int seed)
    {
        await using var database = await OpenAsync();
        await using var undisturbed = await OpenAsync();
        using var folder = new TemporaryFolder();
        using var crowd = new WorkerCrowd(database.Address, folder.Path, workers, steps, pause, seed);
        var rounds = 0;
        do
        {
            Deliver(folder.Path, ++rounds, documents);
            do
            {
                await crowd.IngestAsync();
            } while (await CountPublishedAsync(database) < rounds * documents); // what was lost to nobody is due again
        } while (crowd.Kills < kills);

        TestContext.Current.TestOutputHelper?.WriteLine($"{rounds * documents} documents, {crowd.Kills} kills");
        Assert.Empty(await database.Queue.ListOwnersAsync(CollectionKey.Default, Token));
        Assert.Equal(
            "ended with 0 added and 0 errors",
            await WorkerEngine.RunAsync(database, folder.Path, WorkerCrowd.Held)
        );
        await WorkerEngine.RunAsync(undisturbed, folder.Path, WorkerCrowd.Held);
        var expected = await StoredContent.ReadAsync(undisturbed.Tables, Token);
        Assert.Equal(rounds * documents, Count(expected, "document_versions: "));
        Assert.Equal(rounds * documents, Count(expected, "ingestion_attempts: "));
        Assert.Equal(expected, await StoredContent.ReadAsync(database.Tables, Token));
    }

    private static int Count(IReadOnlyList<string> content, string table) =>
        content.Count(line => line.StartsWith(table, StringComparison.Ordinal));

    private static async Task<int> CountPublishedAsync(WorkerDatabase database)
    {
        await using var reader = await database.Tables.OpenReaderAsync(Token);
        return checked((int)await reader.CountAsync(Rag.Storage.Copying.StoreTable.Named("document_versions"), Token));
    }

    /// <summary>All at once: a file that is read while it is written would have a second version.</summary>
    private static void Deliver(string folder, int round, int documents)
    {
        using var outside = new TemporaryFolder();
        for (var i = 0; i < documents; i++)
        {
            outside.Write(
                string.Create(CultureInfo.InvariantCulture, $"new/{i:D3}.md"),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"# Part 1\n\nThe boiler {round}-{i}.\n\n# Part 2\n\nThe pump {round}-{i}.\n\n# Part 3\n\nThe end.\n"
                )
            );
        }

        Directory.Move(
            Path.Combine(outside.Path, "new"),
            Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"round{round}"))
        );
    }
}
