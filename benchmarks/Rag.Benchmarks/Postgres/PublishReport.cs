using Slipway.Rag.Storage;
using Slipway.Storage.Postgres;
using Slipway.Storage.Postgres.Internal.Search;
using static Slipway.Rag.Benchmarks.PostgresReportCommand;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// Publishing in bulk, searchable by words at its end, beside a bare COPY of the rows of documents, chunks and embeddings, and beside one
/// that also writes the rows of the lexical index, as they were published.
/// </summary>
internal static class PublishReport
{
    private const int Batch = 1000; // documents
    private const int IndexedBatch = 150; // with an index a vector takes milliseconds: small batches keep both writers at work
    private const int Rounds = 3;

    public static async Task RunAsync(int chunks)
    {
        var corpus = new SearchCorpus(chunks);
        Line($"## Publishing {corpus.Chunks} chunks of {corpus.Documents.Count} documents");
        Line($"");
        Line(
            $"| rows | round | bare COPY s | the same with the lexical rows s | publish s | COPY ÷ publish | with lexical rows |"
        );
        Line($"|---|---:|---:|---:|---:|---:|---:|");
        for (var round = 0; round <= Rounds; round++)
        {
            // The first round only compiles.
            var documents = round == 0 ? corpus.Documents.Take(Batch / 5).ToArray() : corpus.Documents;
            await RoundAsync("without HNSW", round, documents, index: false);
        }

        var few = corpus.Documents.Take(corpus.Documents.Count / 5).ToArray();
        await RoundAsync($"with HNSW, {few.Length * SearchCorpus.ChunksEach} chunks", 1, few, index: true);
        Line($"");
    }

    private static async Task RoundAsync(string name, int round, IReadOnlyList<SearchDocument> documents, bool index)
    {
        var copy = await TimeAsync(
            index,
            async database =>
            {
                await using var connection = await database.ConnectAsync();
                await BareCopy.WriteAsync(connection, documents);
            }
        );
        var lexical = 0.0;
        var publish = await TimeAsync(
            index,
            async database =>
            {
                var store = new PostgresDocumentStore(database.Database);
                // One writes while the other one analyses.
                await Parallel.ForEachAsync(
                    documents.Chunk(index ? IndexedBatch : Batch),
                    new ParallelOptions { MaxDegreeOfParallelism = 2 },
                    async (batch, token) =>
                    {
                        await store.SaveEmbeddingsAsync(
                            SearchCorpus.Model,
                            [.. batch.SelectMany(document => document.Embeddings)],
                            token
                        );
                        await store.PublishBatchAsync([.. batch.Select(document => document.Publication)], token);
                    }
                );
                await database.Index.MergeAsync(CollectionKey.Default);
            },
            async database =>
            {
                foreach (var table in new[] { "lexical_postings", "lexical_documents", "lexical_buckets" })
                {
                    lexical += await BareCopy.AgainAsync(database, table);
                }
            }
        );
        if (round > 0)
        {
            Line(
                $"| {name} | {round} | {copy:F1} | {copy + lexical:F1} | {publish:F1} | {copy / publish:P0} | {(copy + lexical) / publish:P0} |"
            );
        }
    }

    private static async Task<double> TimeAsync(
        bool index,
        Func<BenchmarkDatabase, Task> write,
        Func<BenchmarkDatabase, Task>? afterwards = null
    )
    {
        await using var database = await BenchmarkDatabase.CreateAsync();
        if (index)
        {
            var column = new EmbeddingColumn(SearchCorpus.Model, SearchCorpus.Dimensions);
            await database.ExecuteAsync(column.CreateIndex);
        }

        await database.ExecuteAsync("checkpoint");
        var start = TimeProvider.System.GetTimestamp();
        await write(database);
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        if (afterwards is not null)
        {
            await afterwards(database);
        }

        return seconds;
    }
}
