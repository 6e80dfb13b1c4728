using System.Collections.Concurrent;
using System.Globalization;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>
/// Publishes, deletes, merges and searches side by side for a time. Every chunk says which of how many it is, of which document and writing,
/// so that whoever reads sees a half document; and whoever checks counts everything anew from the same snapshot.
/// </summary>
/// <param name="stores">The store, once for each process that is played: writers and readers take turns among them.</param>
/// <param name="names">How many documents there may be at once; the fewer, the more often two workers meet.</param>
/// <param name="seed">Of everything that is random.</param>
internal sealed class SoakRun(IReadOnlyList<(IDocumentStore Documents, ISearchIndex Index)> stores, int names, int seed)
{
    private const string Source = "soak";
    private const string Model = "soak;32";
    private const int Dimensions = 32;
    private const string Everywhere = "everywhere"; // a word of every chunk
    private const int MostChunks = 100_000;

    private static readonly Principal Reader = new("default", "soak");

    private readonly SoakReport _report = new();
    private readonly ConcurrentDictionary<string, int> _versions = new(StringComparer.Ordinal);
    private int _writings;

    /// <summary>Runs, checks once more when everything has come to rest, and reports. What it finds wrong is thrown.</summary>
    public async Task<SoakReport> RunAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // An embedded store works in its caller's thread, and the pool has few: who never gave theirs back would keep the others out.
        var brief = TimeSpan.FromMilliseconds(1);
        (string Work, Func<(IDocumentStore, ISearchIndex), Random, Task> Step, TimeSpan Pause)[] workers =
        [
            ("publish", PublishAsync, brief),
            ("publish", PublishAsync, brief),
            ("delete", DeleteAsync, TimeSpan.FromMilliseconds(20)),
            ("merge", MergeAsync, TimeSpan.FromMilliseconds(200)),
            ("search words", SearchWordsAsync, brief),
            ("search vectors", SearchVectorsAsync, brief),
            ("recount", RecountAsync, TimeSpan.FromMilliseconds(100)),
        ];
        var running = workers
            .Select((worker, i) => Task.Run(() => RepeatAsync(worker, i, started, duration, done), cancellationToken))
            .ToArray();
        await Task.WhenAll(running).ConfigureAwait(false);
        _report.Duration = TimeProvider.System.GetElapsedTime(started);

        var random = new Random(seed);
        foreach (var store in stores)
        {
            await RecountAsync(store, random).ConfigureAwait(false);
            await store.Index.MergeAsync(CollectionKey.Default, cancellationToken).ConfigureAwait(false);
            await RecountAsync(store, random).ConfigureAwait(false);
        }

        await CheckLedgerAsync(cancellationToken).ConfigureAwait(false);
        return _report;
    }

    private async Task RepeatAsync(
        (string Work, Func<(IDocumentStore, ISearchIndex), Random, Task> Step, TimeSpan Pause) worker,
        int number,
        long started,
        TimeSpan duration,
        CancellationTokenSource done
    )
    {
        var random = new Random(seed + number);
        try
        {
            while (TimeProvider.System.GetElapsedTime(started) < duration && !done.IsCancellationRequested)
            {
                var begun = TimeProvider.System.GetTimestamp();
                await worker.Step(stores[number % stores.Count], random).ConfigureAwait(false);
                _report.Add(worker.Work, TimeProvider.System.GetElapsedTime(begun));
                await Task.Delay(worker.Pause, TimeProvider.System, done.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
            // Another worker has failed, or the caller has had enough.
        }
        catch
        {
            await done.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task PublishAsync((IDocumentStore Documents, ISearchIndex Index) store, Random random)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"d{random.Next(names)}");
        var writing = Interlocked.Increment(ref _writings);
        var texts = Texts(name, writing, 1 + random.Next(5), random);
        var chunks = Chunks(texts);
        await store
            .Documents.SaveEmbeddingsAsync(
                Model,
                [.. chunks.Select(chunk => (chunk.ContentHash, (ReadOnlyMemory<float>)Vector(random)))]
            )
            .ConfigureAwait(false);
        var publication = new DocumentPublication
        {
            Collection = CollectionKey.Default,
            Source = Source,
            Document = new SourceDocument { ExternalId = name, Name = name },
            BaseVersion = _versions.GetValueOrDefault(name),
            MediaType = "text/plain",
            Title = name,
            Size = chunks[^1].End,
            SeenAt = TimeProvider.System.GetUtcNow(),
            ContentHash = ChunkIdentity.Hash(string.Concat(texts)),
            PipelineFingerprint = Source,
            Metadata = new Dictionary<string, string>(0),
            Chunks = chunks,
            EmbeddingModel = Model,
        };
        try
        {
            _versions[name] = (await store.Documents.PublishAsync(publication).ConfigureAwait(false)).Version;
        }
        catch (PublicationConflictException)
        {
            _report.AddConflict();
            var found = await store
                .Documents.FindAsync(Reader, DocumentId.Derive(CollectionKey.Default, Source, name))
                .ConfigureAwait(false);
            _versions[name] = found?.Version ?? 0;
        }
    }

    private async Task DeleteAsync((IDocumentStore Documents, ISearchIndex Index) store, Random random)
    {
        string[] some =
        [
            .. Enumerable
                .Range(0, 1 + random.Next(3))
                .Select(_ => string.Create(CultureInfo.InvariantCulture, $"d{random.Next(names)}"))
                .Distinct(),
        ];
        await store
            .Documents.DeleteAsync(
                CollectionKey.Default,
                [.. some.Select(name => DocumentId.Derive(CollectionKey.Default, Source, name))]
            )
            .ConfigureAwait(false);
        foreach (var name in some)
        {
            _versions[name] = 0;
        }
    }

    private static async Task MergeAsync((IDocumentStore Documents, ISearchIndex Index) store, Random random) =>
        await store.Index.MergeAsync(CollectionKey.Default).ConfigureAwait(false);

    private static async Task SearchWordsAsync((IDocumentStore Documents, ISearchIndex Index) store, Random random)
    {
        var snapshot = await store.Index.OpenSnapshotAsync(CollectionKey.Default, Reader).ConfigureAwait(false);
        await using (snapshot.ConfigureAwait(false))
        {
            var hits = await snapshot.SearchTextAsync(Question(random), 10, new Bm25Options()).ConfigureAwait(false);
            await CheckWholeAsync(snapshot, hits).ConfigureAwait(false);
        }
    }

    private static async Task SearchVectorsAsync((IDocumentStore Documents, ISearchIndex Index) store, Random random)
    {
        var snapshot = await store.Index.OpenSnapshotAsync(CollectionKey.Default, Reader).ConfigureAwait(false);
        await using (snapshot.ConfigureAwait(false))
        {
            var hits = await snapshot.SearchVectorsAsync(Model, Vector(random), 10).ConfigureAwait(false);
            await CheckWholeAsync(snapshot, hits).ConfigureAwait(false);
        }
    }

    /// <summary>Reads everything that the snapshot finds, builds the statistics from it, and asks the snapshot for the same scores.</summary>
    private static async Task RecountAsync((IDocumentStore Documents, ISearchIndex Index) store, Random random)
    {
        var snapshot = await store.Index.OpenSnapshotAsync(CollectionKey.Default, Reader).ConfigureAwait(false);
        await using (snapshot.ConfigureAwait(false))
        {
            var all = await snapshot.SearchTextAsync(Everywhere, MostChunks, new Bm25Options()).ConfigureAwait(false);
            var rebuilt = new NaiveBm25();
            foreach (
                var passages in (await ReadAsync(snapshot, all).ConfigureAwait(false)).GroupBy(p =>
                    p.Reference.DocumentId
                )
            )
            {
                CheckWhole([.. passages]);
                rebuilt.Documents[passages.Key] = [.. passages.OrderBy(p => p.Ordinal).Select(p => p.Text)];
            }

            var question = Question(random);
            var expected = rebuilt.Search(question, 50);
            var found = await snapshot.SearchTextAsync(question, 50, new Bm25Options()).ConfigureAwait(false);
            Expect(
                expected.SequenceEqual(found),
                $"The scores of '{question}' over {all.Count} chunks are not those of an index that was built anew."
            );
            var near = await snapshot.SearchVectorsAsync(Model, Vector(random), MostChunks).ConfigureAwait(false);
            Expect(
                near.Count == all.Count,
                $"{near.Count} chunks are found by their vectors, {all.Count} by their words."
            );
        }
    }

    /// <summary>At rest: the ledger, the listing and the texts tell of the same documents as the index.</summary>
    private async Task CheckLedgerAsync(CancellationToken cancellationToken)
    {
        var (documents, index) = stores[0];
        HashSet<string> published = [];
        var chunks = 0;
        var ledger = documents.ReadLedgerAsync(CollectionKey.Default, Source, cancellationToken);
        await foreach (var entry in ledger.ConfigureAwait(false))
        {
            var document = await documents.FindAsync(Reader, entry.DocumentId, cancellationToken).ConfigureAwait(false);
            Expect(document is not null, $"'{entry.ExternalId}' is in the ledger and cannot be found.");
            chunks += document!.Chunks;
            published.Add(entry.DocumentId);
        }

        var snapshot = await index
            .OpenSnapshotAsync(CollectionKey.Default, Reader, cancellationToken)
            .ConfigureAwait(false);
        await using (snapshot.ConfigureAwait(false))
        {
            var all = await snapshot
                .SearchTextAsync(Everywhere, MostChunks, new Bm25Options(), cancellationToken)
                .ConfigureAwait(false);
            Expect(
                published.SetEquals(all.Select(hit => hit.DocumentId)) && chunks == all.Count,
                $"The ledger has {published.Count} documents of {chunks} chunks, the index finds {all.Count} chunks."
            );
        }
    }

    private static async Task CheckWholeAsync(ISearchSnapshot snapshot, IReadOnlyList<ScoredChunk> hits)
    {
        foreach (var hit in await ReadAsync(snapshot, hits).ConfigureAwait(false))
        {
            var count = Parts(hit.Text);
            var whole = await snapshot
                .ReadPassagesAsync([
                    .. Enumerable.Range(0, count).Select(i => new ScoredChunk(hit.Reference.DocumentId, i, 0)),
                ])
                .ConfigureAwait(false);
            CheckWhole(whole);
        }
    }

    private static async Task<IReadOnlyList<Passage>> ReadAsync(
        ISearchSnapshot snapshot,
        IReadOnlyList<ScoredChunk> hits
    )
    {
        var passages = await snapshot.ReadPassagesAsync(hits).ConfigureAwait(false);
        Expect(passages.Count == hits.Count, $"Of {hits.Count} chunks that were found {passages.Count} can be read.");
        return passages;
    }

    private static void CheckWhole(IReadOnlyList<Passage> passages)
    {
        var first = passages[0].Text.Split(' ');
        Expect(
            passages.Count == Parts(passages[0].Text)
                && passages.All(passage => passage.Text.Split(' ').Take(3).SequenceEqual(first.Take(3)))
                && passages
                    .Select(passage => passage.Ordinal)
                    .Order()
                    .SequenceEqual(Enumerable.Range(0, passages.Count))
                && passages.All(passage => passage.Text.Split(' ')[3] == Part(passage.Ordinal))
                && passages.Select(passage => passage.Reference.Version).Distinct().Count() == 1,
            $"Half a document: {string.Join(" | ", passages.Select(passage => passage.Text))}"
        );
    }

    /// <summary>Document, writing, how many parts there are, which of them this is, and a few words.</summary>
    private static string[] Texts(string name, int writing, int parts, Random random) =>
        [
            .. Enumerable
                .Range(0, parts)
                .Select(part =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{name} w{writing} of{parts} {Part(part)} {Everywhere} {string.Join(' ', Enumerable.Range(0, 12).Select(_ => Word(random)))} "
                    )
                ),
        ];

    private static List<ChunkRecord> Chunks(string[] texts)
    {
        var chunks = new List<ChunkRecord>();
        foreach (var text in texts)
        {
            var start = chunks.Count == 0 ? 0 : chunks[^1].End;
            chunks.Add(
                new ChunkRecord
                {
                    Ordinal = chunks.Count,
                    Start = start,
                    End = start + text.Length,
                    Text = text,
                    ContentHash = ChunkIdentity.Hash(text),
                }
            );
        }

        return chunks;
    }

    private static string Part(int ordinal) => string.Create(CultureInfo.InvariantCulture, $"part{ordinal}");

    private static int Parts(string text) => int.Parse(text.Split(' ')[2].AsSpan(2), CultureInfo.InvariantCulture);

    private static string Question(Random random) => $"{Word(random)} {Word(random)} {Word(random)}";

    // The lower the number, the commoner the word.
    private static string Word(Random random) =>
        string.Create(CultureInfo.InvariantCulture, $"word{(int)(200 * Math.Pow(random.NextDouble(), 3))}");

    private static float[] Vector(Random random)
    {
        var vector = new float[Dimensions];
        for (var i = 0; i < Dimensions; i++)
        {
            vector[i] = (float)(random.NextDouble() - .5);
        }

        return vector;
    }

    private static void Expect(bool isTrue, string otherwise)
    {
        if (!isTrue)
        {
            throw new InvalidOperationException(otherwise);
        }
    }
}
