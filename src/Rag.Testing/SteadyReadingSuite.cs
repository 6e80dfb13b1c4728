using System.Globalization;
using Slipway.Rag.Chunking;
using Slipway.Rag.Embedding;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>
/// Readers that ask without pause while documents are edited and the model fails again and again: each document is always found, whole,
/// in one version, and never in an older one than before.
/// </summary>
public abstract class SteadyReadingSuite(OpenStore open) : StoreSuite(open)
{
    private const int Documents = 20;
    private const double Failures = 0.3;

    // Stores may wait for each other; they must not wait for a clock that stands still.
    private protected override TimeProvider Clock => TimeProvider.System;

    [Fact]
    public Task Readers_see_each_document_whole_in_one_version_throughout_updates_that_fail() => UpdateAsync(100);

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task The_same_throughout_ten_thousand_updates() => UpdateAsync(10_000);

    private async Task UpdateAsync(int updates)
    {
        var random = new Random(1);
        var calls = 0;
        using var embedder = new CountingEmbedder();
        using var knowledge = new Knowledge(
            Store,
            Clock,
            embedder,
            new PartChunker(),
            new IngestionOptions { RetryDelay = TimeSpan.Zero, MaxAttempts = int.MaxValue }
        );
        var versions = new int[Documents];
        Write(Enumerable.Range(0, Documents));
        Assert.Empty((await knowledge.RunAsync()).Errors);
        embedder.Meanwhile = () =>
        {
            lock (random)
            {
                calls++;
                return random.NextDouble() < Failures
                    ? Task.FromException(new SlipwayException(ErrorClass.Transient, "It is overloaded."))
                    : Task.CompletedTask;
            }
        };

        await using var other = await Store.ReopenAsync(Token);
        using var done = new CancellationTokenSource();
        var readers = new[] { Store, other }
            .Select(store => new Reader(store, EmbeddingModel.Fingerprint(embedder), embedder.Vector("boiler"), done))
            .ToList();
        // An embedded store works in its caller's thread, and the pool has few.
        var reading = readers.ConvertAll(reader =>
            Task.Factory.StartNew(reader.RunAsync, Token, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .Unwrap()
        );
        var failed = 0;
        try
        {
            for (var updated = 0; updated < updates && !done.IsCancellationRequested; updated += Documents / 2)
            {
                Write(Enumerable.Range(0, Documents).OrderBy(_ => random.Next()).Take(Documents / 2));
                failed += (await knowledge.RunAsync()).Errors.Count;
            }

            while ((await knowledge.RunAsync()).Errors is { Count: > 0 } errors)
            {
                failed += errors.Count;
            }
        }
        finally
        {
            await done.CancelAsync();
        }

        foreach (var reads in await Task.WhenAll(reading))
        {
            Assert.Equal(versions, reads.Newest); // the last look was after the last update
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{updates} updates, {failed} failures of documents in {calls} calls of the model, "
                + $"{await knowledge.CountAsync(StoredKind.Versions)} versions, {readers.Sum(reader => reader.Looks)} looks"
        );
        Assert.InRange(failed, updates / 20, updates);

        void Write(IEnumerable<int> numbers)
        {
            foreach (var number in numbers)
            {
                knowledge.Write(Name(number), Text(number, ++versions[number]));
            }
        }
    }

    private static string Name(int number) => string.Create(CultureInfo.InvariantCulture, $"page{number:D2}.md");

    private static string Marker(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"marker{(char)('a' + number)}x");

    /// <summary>Another number than the version before has: chunks of one version in the index of another are too many or too few.</summary>
    private static int Parts(int version) => 2 + (version % 3);

    private static string Text(int number, int version) =>
        string.Join(
            "\n\n",
            Enumerable
                .Range(0, Parts(version))
                .Select(part =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"# Part {part}\n\nThe boiler {Marker(number)} is described here as of={version}."
                    )
                )
        );

    /// <summary>So many chunks, however short.</summary>
    private sealed class PartChunker : IChunker
    {
        public string Fingerprint => "parts/1";

        public IReadOnlyList<Chunk> Chunk(StructuredDocument document)
        {
            var cuts = new List<int>();
            for (var cut = 0; cut >= 0; cut = document.Text.IndexOf("# Part", cut + 1, StringComparison.Ordinal))
            {
                cuts.Add(cut);
            }

            cuts.Add(document.Text.Length);
            return [.. cuts.Zip(cuts.Skip(1), (start, end) => new Chunk(start, end))];
        }
    }

    /// <summary>One process's reader.</summary>
    private sealed class Reader(
        StoreFixture store,
        string model,
        ReadOnlyMemory<float> vector,
        CancellationTokenSource done
    )
    {
        private readonly int[] _stored = new int[Documents];

        /// <summary>The newest version of each text that was seen.</summary>
        public int[] Newest { get; } = new int[Documents];

        public int Looks { get; private set; }

        public async Task<Reader> RunAsync()
        {
            try
            {
                for (var last = false; !last; Looks++)
                {
                    last = done.IsCancellationRequested; // once more after the last update
                    await LookAsync(Looks % Documents);
                }

                return this;
            }
            catch
            {
                await done.CancelAsync(); // the updates need not go on
                throw;
            }
        }

        private async Task LookAsync(int asked)
        {
            await using var snapshot = await store.Search.OpenSnapshotAsync(
                CollectionKey.Default,
                Principal.Local,
                Token
            );
            var words = await snapshot.SearchTextAsync("boiler", 1_000, new Bm25Options(), Token);
            var nearest = await snapshot.SearchVectorsAsync(model, vector, 1_000, Token);
            var marked = await snapshot.SearchTextAsync(Marker(asked), 1_000, new Bm25Options(), Token);
            var passages = await snapshot.ReadPassagesAsync(words, Token);
            var pages = passages
                .GroupBy(passage => passage.Name)
                .OrderBy(page => page.Key, StringComparer.Ordinal)
                .ToList();
            Assert.Equal(Enumerable.Range(0, Documents).Select(Name), pages.Select(page => page.Key));
            for (var number = 0; number < Documents; number++)
            {
                var stored = Assert.Single(pages[number].Select(passage => passage.Reference.Version).Distinct());
                var version = Assert.Single(pages[number].Select(passage => VersionOf(passage.Text)).Distinct());
                Assert.Equal(
                    Enumerable.Range(0, Parts(version)),
                    pages[number].Select(passage => passage.Ordinal).Order()
                );
                Assert.InRange(stored, _stored[number], int.MaxValue);
                Assert.InRange(version, Newest[number], int.MaxValue);
                (_stored[number], Newest[number]) = (stored, version);
            }

            Assert.Equal(Places(words), Places(nearest));
            Assert.Equal(Places(words).Where(place => place.DocumentId == marked[0].DocumentId), Places(marked));
            Assert.Equal(Name(asked), (await snapshot.ReadPassagesAsync(marked, Token))[0].Name);

            // A moment later, so this may be newer.
            var text = (await store.Documents.ReadTextAsync(Principal.Local, marked[0].DocumentId, Token))!.Text;
            var now = VersionOf(text);
            Assert.Equal(SteadyReadingSuite.Text(asked, now), text);
            Assert.InRange(now, Newest[asked], int.MaxValue);
        }

        private static List<(string DocumentId, int Ordinal)> Places(IEnumerable<ScoredChunk> hits) =>
            [.. hits.Select(hit => (hit.DocumentId, hit.Ordinal)).Order()];

        private static int VersionOf(string text) =>
            int.Parse(text.Split('=')[1].Split('.')[0], CultureInfo.InvariantCulture);
    }
}
