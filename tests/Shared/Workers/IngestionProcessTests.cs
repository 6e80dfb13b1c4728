using System.Globalization;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Tests;

/// <summary>Ingestion in real processes that are killed.</summary>
public abstract class IngestionProcessTests
{
    private const int Documents = 24;
    private const int LastStep = 60; // of some eighty lines of a run

    /// <summary>Processes that are killed one after the other.</summary>
    protected virtual int Kills => 20;

    private static readonly Principal Anyone = new("default", "anyone");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task Whatever_is_killed_the_next_process_goes_on_and_everything_is_there_once() => KillAsync(Kills, seed: 1);

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public async Task The_same_with_many_kills()
    {
        for (var seed = 2; seed < 12; seed++)
        {
            await KillAsync(2 * Kills, seed);
        }
    }

    protected abstract Task<WorkerDatabase> OpenAsync();

    private async Task KillAsync(int kills, int seed)
    {
        await using var database = await OpenAsync();
        using var folder = new TemporaryFolder();
        var texts = Enumerable.Range(0, Documents).ToDictionary(i => $"{i:D2}.md", Text);
        foreach (var (name, text) in texts)
        {
            folder.Write(name, text);
        }

        var random = new Random(seed);
        for (var kill = 0; kill < kills; kill++)
        {
            using var worker = WorkerProcess.Start(database.Address, "killed");
            await worker.TellAsync(WorkerProgram.Ingest(folder.Path, WorkerEngine.Held));
            var steps = random.Next(LastStep);
            for (
                var step = 0;
                step < steps && !(await worker.AnswerAsync())!.StartsWith("ended", StringComparison.Ordinal);
                step++
            ) { }

            await worker.KillAsync();
            await AssertWholeAsync(database, texts);
        }

        // What the last one held becomes free in the meantime.
        var published = 0;
        for (var runs = 0; published < Documents; runs++)
        {
            Assert.True(runs <= 500, await DescribeUnpublishedAsync(database));
            await WorkerEngine.RunAsync(database, folder.Path, WorkerEngine.Held);
            published = (await ListAsync(database)).Count(document => document.State == DocumentState.Published);
        }

        await AssertWholeAsync(database, texts);
        Assert.All(await ListAsync(database), document => Assert.Equal(1, document.Version));
        await using var snapshot = await database.Search.OpenSnapshotAsync(CollectionKey.Default, Anyone, null, Token);
        Assert.Equal(
            Documents,
            (await snapshot.SearchTextAsync("boiler", 1_000, new Bm25Options(), Token))
                .DistinctBy(hit => hit.DocumentId)
                .Count()
        );
    }

    /// <summary>A document is there whole or not at all.</summary>
    private static async Task AssertWholeAsync(WorkerDatabase database, Dictionary<string, string> texts)
    {
        foreach (var document in await ListAsync(database))
        {
            var text = await database.Documents.ReadTextAsync(Anyone, document.Id, Token);
            Assert.Equal(document.Version == 0 ? null : texts[document.Name], text?.Text);
        }
    }

    private static async Task<string> DescribeUnpublishedAsync(WorkerDatabase database) =>
        string.Join(
            '\n',
            (await ListAsync(database))
                .Where(document => document.State != DocumentState.Published)
                .Select(document =>
                    $"{document.Name} is {document.State} after {document.Attempts}, due {document.NextActionAt:O}: {document.Error}"
                )
        );

    private static async Task<IReadOnlyList<DocumentInfo>> ListAsync(WorkerDatabase database) =>
        (
            await database.Documents.ListAsync(
                new DocumentQuery
                {
                    Collection = CollectionKey.Default,
                    Principal = Anyone,
                    Limit = 1_000,
                },
                Token
            )
        ).Documents;

    private static string Text(int number) =>
        string.Join(
            "\n\n",
            Enumerable
                .Range(0, 4)
                .Select(section =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"# Part {section}\n\nThe boiler {number} in part {section}."
                    )
                )
        );
}
