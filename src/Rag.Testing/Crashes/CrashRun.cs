using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>One run over a folder that was changed, once for each place at which it can die, and the run that comes after it.</summary>
internal sealed class CrashRun(OpenStore open)
{
    private const int EmbeddingBatch = 2;

    /// <summary>What the folder's largest page is larger than.</summary>
    private const int MaxBytes = 4096;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Dies at the calls of contracts, before the call or after its effect.</summary>
    public Task DieAtCallsAsync(int step, bool afterwards) =>
        DieAsync(
            step,
            at => new CrashPoints(at, afterwards),
            (store, points) => new(new GatedStore(store, points)),
            mostPoints: 200
        );

    /// <summary>
    /// Dies before each statement and behind each commit, of which the process does not hear any more, and before the calls of source and
    /// model.
    /// </summary>
    public Task DieAtStatementsAsync(int step) =>
        DieAsync(
            step,
            at => new CrashPoints(at, afterwards: false),
            (store, points) => store.ReopenAsync(statement => points.Enter(statement), Token),
            mostPoints: 2_000
        );

    private async Task DieAsync(
        int step,
        Func<int, CrashPoints> make,
        Func<StoreFixture, CrashPoints, ValueTask<StoreFixture?>> reopen,
        int mostPoints
    )
    {
        var (expected, paid, calls) = await RunAsync(make(0), reopen);
        Assert.InRange(calls, 20, mostPoints);
        TestContext.Current.TestOutputHelper?.WriteLine($"{calls} places to die at, every {step}. of them tried");
        for (var at = 1; at <= calls; at += step)
        {
            var points = make(at);
            var (state, paidInAll, _) = await RunAsync(points, reopen);

            var where = $"Died at {at} of {calls}, {points.Describe()}.\n";
            Assert.True(points.IsDead, where);
            Assert.Equal(where + expected, where + state);
            Assert.InRange(paidInAll, paid, paid + EmbeddingBatch);
        }
    }

    private async Task<(string State, int Paid, int Calls)> RunAsync(
        CrashPoints points,
        Func<StoreFixture, CrashPoints, ValueTask<StoreFixture?>> reopen
    )
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 6, 1, 8, 0, 0, TimeSpan.Zero));
        await using var store = await open(time, Token);
        var embedder = new CountingEmbedder();
        var options = new IngestionOptions
        {
            MaxConcurrency = 1,
            EmbeddingBatchSize = EmbeddingBatch,
            MaxBytes = MaxBytes,
        };
        using var before = new Knowledge(store, time, embedder, options: options);
        Prepare(before);
        await before.RunAsync();
        Change(before);

        await using (var mortal = await reopen(store, points))
        {
            Assert.SkipWhen(mortal is null, "The store does not tell its statements.");
            using var dying = new Knowledge(
                mortal,
                time,
                embedder,
                options: options,
                folder: before.Folder,
                gate: points
            );
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
            Assert.All((await next.RunAsync()).Errors, failed => Assert.Equal("large.md", failed.Name));
        }

        Assert.Equal(0, (await before.Pipeline.PlanAsync(before.Source, CollectionKey.Default, Token)).Work.Count);
        Assert.Empty(await store.Queue.ListOwnersAsync(CollectionKey.Default, Token));
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
        knowledge.Write("large.md", new string('a', MaxBytes + 1), daysAgo: 3);
    }

    /// <summary>What is answered and what is stored, row numbers and times aside.</summary>
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

        lines.AddRange(await StoredContent.ReadAsync(knowledge.Store.Tables, Token));
        lines.Add($"unmerged: {await knowledge.CountAsync(StoredKind.Unmerged)}");
        return string.Join('\n', lines).Replace(knowledge.Folder, "", StringComparison.Ordinal);
    }
}
