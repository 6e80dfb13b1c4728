using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>
/// A run that dies at any call by which it touches store, source or model, before the call or after its effect: the next run ends in the
/// same state as if nothing had happened, and pays for at most one batch of embeddings twice.
/// </summary>
public abstract class CrashSuite(OpenStore open)
{
    private const int EmbeddingBatch = 2;

    /// <summary>Every how many-th call is died at.</summary>
    protected virtual int Step => 1;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task A_run_that_dies_anywhere_is_made_good_by_the_next_one(bool afterwards) => DieAsync(Step, afterwards);

    [Theory(Explicit = true)]
    [Trait("Tier", "nightly")]
    [InlineData(false)]
    [InlineData(true)]
    public Task A_run_that_dies_at_every_call_is_made_good_by_the_next_one(bool afterwards) => DieAsync(1, afterwards);

    private async Task DieAsync(int step, bool afterwards)
    {
        var (expected, paid, calls) = await RunAsync(new CrashPoints(0, afterwards));
        Assert.InRange(calls, 20, 200);
        for (var at = 1; at <= calls; at += step)
        {
            var points = new CrashPoints(at, afterwards);
            var (state, paidInAll, _) = await RunAsync(points);

            var where = $"Died {(afterwards ? "after" : "before")} call {at}, {points.Names[at - 1]}.\n";
            Assert.True(points.IsDead, where);
            Assert.Equal(where + expected, where + state);
            Assert.InRange(paidInAll, paid, paid + EmbeddingBatch);
        }
    }

    private async Task<(string State, int Paid, int Calls)> RunAsync(CrashPoints points)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 6, 1, 8, 0, 0, TimeSpan.Zero));
        await using var store = await open(time, Token);
        var embedder = new CountingEmbedder();
        var options = new IngestionOptions { MaxConcurrency = 1, EmbeddingBatchSize = EmbeddingBatch };
        using var before = new Knowledge(store, time, embedder, options: options);
        Prepare(before);
        await before.RunAsync();
        Change(before);

        var mortal = new CrashingStore(store, points);
        using (
            var dying = new Knowledge(mortal, time, embedder, options: options, folder: before.Folder, crashes: points)
        )
        {
            embedder.Fails = _ =>
            {
                points.Leave(points.Enter("embedding"));
                return null;
            };
            var error = await Record.ExceptionAsync(dying.RunAsync);
            Assert.Equal(points.IsDead, error is not null);
            embedder.Fails = _ => null;
        }

        if (points.IsDead)
        {
            await store.ShiftClockAsync(options.ClaimDuration, Token); // nobody gives back what a dead process held
            await using var reopened = await store.ReopenAsync(Token);
            using var next = new Knowledge(reopened, time, embedder, options: options, folder: before.Folder);
            Assert.Empty((await next.RunAsync()).Errors);
        }

        Assert.Equal(0, (await before.Pipeline.PlanAsync(before.Source, CollectionKey.Default, Token)).Work.Count);
        return (await DescribeAsync(before), embedder.Inputs, points.Calls);
    }

    private static void Prepare(Knowledge knowledge)
    {
        foreach (var name in new[] { "stays", "edited", "moved", "touched", "deleted" })
        {
            knowledge.Write(
                $"{name}.md",
                $"# {name}\n\nThe page {name} of the boiler.\n\n# More\n\nPump {name}.",
                daysAgo: 9
            );
        }
    }

    private static void Change(Knowledge knowledge)
    {
        knowledge.Write(
            "edited.md",
            "# edited\n\nThe page edited of the grinder.\n\n# More\n\nPump edited.",
            daysAgo: 3
        );
        knowledge.Write("touched.md", File.ReadAllBytes(Path.Combine(knowledge.Folder, "touched.md")), daysAgo: 3);
        File.Move(Path.Combine(knowledge.Folder, "moved.md"), Path.Combine(knowledge.Folder, "elsewhere.md"));
        File.Delete(Path.Combine(knowledge.Folder, "deleted.md"));
        knowledge.Write(
            "new.md",
            "# new\n\nA new page of the valve.\n\n# More\n\nFilter.\n\n# Still more\n\nGasket.",
            daysAgo: 3
        );
        knowledge.Write("prices.csv", "part,price\nboiler,120\npump,45\n", daysAgo: 3);
        knowledge.Write("photo.png", [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 0], daysAgo: 3);
    }

    /// <summary>Everything that counts, row numbers and times aside.</summary>
    private static async Task<string> DescribeAsync(Knowledge knowledge)
    {
        var lines = new List<string>();
        foreach (var document in (await knowledge.DocumentsAsync()).OrderBy(one => one.Name, StringComparer.Ordinal))
        {
            var text = await knowledge.Store.Documents.ReadTextAsync(Principal.Local, document.Id, Token);
            lines.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{document.Name} {document.Id} {document.State} {document.Version} {document.Chunks} {document.Title}: {text?.Text}"
                )
            );
        }

        foreach (var query in new[] { "boiler", "pump", "grinder", "valve", "deleted", "edited" })
        {
            lines.Add($"{query}: {string.Join(' ', await knowledge.SearchAsync(query))}");
        }

        foreach (
            var kind in new[]
            {
                StoredKind.Documents,
                StoredKind.Versions,
                StoredKind.Chunks,
                StoredKind.Rows,
                StoredKind.Embeddings,
            }
        )
        {
            lines.Add($"{kind}: {await knowledge.CountAsync(kind)}");
        }

        return string.Join('\n', lines);
    }
}
