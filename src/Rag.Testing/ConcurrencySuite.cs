using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>Several processes on one database, writing and reading at the same time.</summary>
public abstract class ConcurrencySuite(OpenStore open) : StoreSuite(open)
{
    // Stores may wait for each other; they must not wait for a clock that stands still.
    private protected override TimeProvider Clock => TimeProvider.System;

    [Fact]
    public async Task A_reader_that_asks_without_pause_sees_each_document_whole_or_not_at_all()
    {
        await using var other = await Store.ReopenAsync(Token);
        await Corpus.PublishAsync(Version(0));
        using var done = new CancellationTokenSource();
        var readers = new[] { Store, other }.Select(store =>
            Task.Run(
                async () =>
                {
                    var versions = new HashSet<int>();
                    for (var last = false; !last; )
                    {
                        last = done.IsCancellationRequested; // once more after the last write
                        versions.Add(await LookAsync(store));
                    }

                    return versions;
                },
                Token
            )
        );
        var reading = Task.WhenAll(readers);
        try
        {
            for (var v = 1; v <= 60; v++)
            {
                await Corpus.PublishAsync(Version(v));
                if (v % 9 == 0)
                {
                    await Corpus.MergeAsync();
                }

                if (v % 10 == 0)
                {
                    await Corpus.DeleteAsync("a");
                }
            }

            await Corpus.PublishAsync(Version(61));
        }
        finally
        {
            await done.CancelAsync();
        }

        Assert.All(await reading, versions => Assert.Contains(61, versions));

        static DocumentPublication Version(int v) =>
            Corpus.Publication("a", [.. Enumerable.Range(0, Parts(v)).Select(part => $"pump v{v} part{part} ")]) with
            {
                Title = $"v{v}",
            };

        static int Parts(int v) => 1 + (v * 7 % 5);

        static async Task<int> LookAsync(StoreFixture store)
        {
            await using var snapshot = await store.Search.OpenSnapshotAsync(CollectionKey.Default, Corpus.Anna, Token);
            var words = await snapshot.SearchTextAsync("pump", 50, new Bm25Options(), Token);
            var nearest = await snapshot.SearchVectorsAsync(Corpus.Model, WordVectors.Of("pump"), 50, Token);
            var passages = await snapshot.ReadPassagesAsync(words, Token);
            Assert.Equal(words.Select(hit => hit.Ordinal).Order(), nearest.Select(hit => hit.Ordinal).Order());
            Assert.Equal(words.Count, passages.Count);
            if (passages.Count == 0)
            {
                return -1;
            }

            var v = int.Parse(passages[0].Title[1..], System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal(Parts(v), passages.Count);
            Assert.All(passages, passage => Assert.Equal($"pump v{v} part{passage.Ordinal} ", passage.Text));
            Assert.Single(passages.Select(passage => passage.Reference.Version).Distinct());

            if (await store.Documents.ReadTextAsync(Corpus.Anna, Corpus.Id("a"), Token) is { } text)
            {
                var parts = text.Text.Split("pump ", StringSplitOptions.RemoveEmptyEntries);
                var now = int.Parse(parts[0].Split(' ')[0][1..], System.Globalization.CultureInfo.InvariantCulture);
                Assert.Equal(Enumerable.Range(0, Parts(now)).Select(part => $"v{now} part{part} "), parts);
            }

            return v;
        }
    }

    [Fact]
    public async Task Different_documents_are_published_side_by_side()
    {
        await using var other = await Store.ReopenAsync(Token);
        var naive = new NaiveBm25();
        for (var i = 0; i < 80; i++)
        {
            naive.Documents[Corpus.Id($"d{i}")] = Texts(i);
        }

        await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(worker =>
                    Task.Run(
                        async () =>
                        {
                            var corpus = new Corpus(worker % 2 == 0 ? Store : other);
                            for (var i = worker; i < 80; i += 4)
                            {
                                await corpus.PublishAsync($"d{i}", Texts(i));
                            }
                        },
                        Token
                    )
                )
        );

        Assert.Equal(80, (await Corpus.LedgerAsync()).Count);
        foreach (var query in SearchHistory.Queries)
        {
            Assert.Equal(naive.Search(query, 200), await Corpus.SearchAsync(query, 200));
            Assert.Equal(naive.Search(query, 200), await Corpus.SearchAsync(other.Search, query, 200));
        }

        static string[] Texts(int i) =>
            [$"pump {SearchHistory.Vocabulary[i % 12]} leak", $"steam {SearchHistory.Vocabulary[i * 5 % 12]}"];
    }

    [Fact]
    public async Task Of_those_who_publish_on_the_same_version_one_wins_and_the_others_are_told()
    {
        await using var other = await Store.ReopenAsync(Token);
        for (var round = 0; round < 12; round++)
        {
            using var start = new Barrier(4);
            var outcomes = await Task.WhenAll(
                Enumerable
                    .Range(0, 4)
                    .Select(worker =>
                        Task.Factory.StartNew(
                                () => TryAsync(worker % 2 == 0 ? Store : other, round, worker, start),
                                Token,
                                TaskCreationOptions.LongRunning,
                                TaskScheduler.Default
                            )
                            .Unwrap()
                    )
            );

            var winner = Assert.Single(outcomes, worker => worker is not null);
            var text = await Store.Documents.ReadTextAsync(Corpus.Anna, Corpus.Id("a"), Token);
            Assert.Equal((round + 1, $"round{round} worker{winner}"), (text!.Version, text.Text));
        }

        Assert.Equal(1, await Store.CountAsync(StoredKind.Documents, Token));
        Assert.Equal(1, await Store.CountAsync(StoredKind.Chunks, Token));
        Assert.Equal(12, await Store.CountAsync(StoredKind.Versions, Token));

        static async Task<int?> TryAsync(StoreFixture store, int round, int worker, Barrier start)
        {
            start.SignalAndWait(Token);
            try
            {
                await store.Documents.PublishAsync(
                    Corpus.Publication("a", $"round{round} worker{worker}") with
                    {
                        BaseVersion = round,
                    },
                    Token
                );
                return worker;
            }
            catch (PublicationConflictException)
            {
                return null;
            }
        }
    }

    [Fact]
    public async Task Publishing_and_deleting_the_same_documents_leaves_nothing_behind()
    {
        await using var other = await Store.ReopenAsync(Token);
        var publishing = Task.Run(
            async () =>
            {
                for (var i = 0; i < 60; i++)
                {
                    var name = $"d{i % 4}";
                    var version = await other
                        .Documents.ReadLedgerAsync(CollectionKey.Default, Corpus.Source, Token)
                        .Where(entry => entry.ExternalId == name)
                        .Select(entry => entry.Version)
                        .FirstOrDefaultAsync(Token);
                    try
                    {
                        await other.Documents.PublishAsync(
                            Corpus.Publication(name, $"pump {i}", $"leak {i}") with
                            {
                                BaseVersion = version,
                            },
                            Token
                        );
                    }
                    catch (PublicationConflictException)
                    {
                        // deleted between the two
                    }
                }
            },
            Token
        );
        while (!publishing.IsCompleted)
        {
            await Store.Documents.DeleteAsync(
                CollectionKey.Default,
                [.. Enumerable.Range(0, 4).Select(i => Corpus.Id($"d{i}"))],
                Token
            );
        }

        await publishing;
        var documents = await Corpus.ListAsync();
        Assert.Equal(documents.Sum(document => document.Chunks), await Store.CountAsync(StoredKind.Chunks, Token));
        Assert.Equal(documents.Sum(document => document.Version), await Store.CountAsync(StoredKind.Versions, Token));
        Assert.Equal(
            documents.Select(document => document.Id).Order(StringComparer.Ordinal),
            (await Corpus.SearchAsync("pump", 100)).Select(hit => hit.DocumentId).Order(StringComparer.Ordinal)
        );
    }

    /// <summary>In opposite orders: an engine that locks row by row must not end in a deadlock.</summary>
    [Fact]
    public async Task The_same_rows_are_written_from_both_ends_at_once()
    {
        await using var other = await Store.ReopenAsync(Token);
        var names = Enumerable.Range(0, 40).Select(i => $"d{i}").ToArray();
        foreach (var name in names)
        {
            await Corpus.PublishAsync(name, "pump " + name);
        }

        var looks = names
            .Select(name => (Corpus.Id(name), Corpus.Document(name, "user:anna"), Corpus.SeenAt))
            .ToArray();
        await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(worker =>
                    Task.Run(
                        async () =>
                        {
                            var store = worker % 2 == 0 ? Store : other;
                            for (var round = 0; round < 5; round++)
                            {
                                var embeddings = Enumerable
                                    .Range(0, 200)
                                    .Select(i => ($"{round} {i}", (ReadOnlyMemory<float>)new float[] { 1, i }))
                                    .ToArray();
                                await store.Documents.SaveEmbeddingsAsync(
                                    "m",
                                    worker < 2 ? embeddings : [.. embeddings.Reverse()],
                                    Token
                                );
                                await store.Documents.MarkSeenAsync(
                                    CollectionKey.Default,
                                    Corpus.Source,
                                    worker < 2 ? looks : [.. looks.Reverse()],
                                    Token
                                );
                            }
                        },
                        Token
                    )
                )
        );

        Assert.Equal(40, (await Corpus.SearchAsync("pump", 100)).Count);
        Assert.Equal(40 + 1_000, await Store.CountAsync(StoredKind.Embeddings, Token));
    }

    /// <summary>Two processes publish and merge at once while a third one searches; what is left is what one after the other gives.</summary>
    [Fact]
    public async Task Processes_that_publish_merge_and_search_at_once_agree_in_the_end()
    {
        await Corpus.PublishAsync("first", "pump");
        await using var searcher = await Store.ReopenAsync(Token);
        using var done = new CancellationTokenSource();
        var searching = Task.Run(
            async () =>
            {
                var searches = 0;
                for (; searches == 0 || !done.IsCancellationRequested; searches++)
                {
                    Assert.NotEmpty(await Corpus.SearchAsync(searcher.Search, "pump"));
                    Assert.NotEmpty(await Corpus.NearestAsync(searcher.Search, WordVectors.Of("pump")));
                }

                return searches;
            },
            Token
        );
        try
        {
            await Task.WhenAll(new[] { "a", "b" }.Select(name => Task.Run(() => WriteAsync(name), Token)));
        }
        finally
        {
            await done.CancelAsync();
        }

        Assert.True(await searching > 0);
        var naive = new NaiveBm25();
        foreach (var document in await Corpus.ListAsync())
        {
            naive.Documents[document.Id] = [(await Corpus.TextAsync(document.Id))!];
        }

        foreach (var query in SearchHistory.Queries)
        {
            var vector = WordVectors.Of(query);
            Assert.Equal(naive.Search(query, 9), await Corpus.SearchAsync(searcher.Search, query, 9));
            var nearest = await Corpus.NearestAsync(searcher.Search, vector, 9);
            WordVectors.AssertNearest(naive.Documents, vector, 9, nearest, tolerance: 1e-5);
        }

        async Task WriteAsync(string name)
        {
            await using var store = await Store.ReopenAsync(Token);
            var corpus = new Corpus(store);
            for (var i = 0; i < 60; i++)
            {
                // Both write the same documents half of the time.
                var document = i % 2 == 0 ? $"{name}{i % 10}" : $"shared{i % 10}";
                try
                {
                    await corpus.PublishAsync(
                        document,
                        $"pump {SearchHistory.Vocabulary[i % SearchHistory.Vocabulary.Length]} leak"
                    );
                }
                catch (PublicationConflictException)
                {
                    await corpus.CatchUpAsync(document);
                }

                if (i % 8 == 0)
                {
                    await corpus.MergeAsync();
                }
            }
        }
    }
}
