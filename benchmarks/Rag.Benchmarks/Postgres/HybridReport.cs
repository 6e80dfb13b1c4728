using Microsoft.Extensions.AI;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;
using static Slipway.Rag.Benchmarks.PostgresReportCommand;

namespace Slipway.Rag.Benchmarks;

/// <summary>The whole retrieval pipeline, both legs, fusion and passages, from several callers at once. The model is left out.</summary>
internal static class HybridReport
{
    private const int Callers = 4;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);

    public static async Task MeasureAsync(string name, ISearchIndex index, (string Text, float[] Vector)[] questions)
    {
        var pipeline = new RetrievalPipeline(index, new KnownVectors(questions));
        foreach (var question in questions.Take(20))
        {
            await pipeline.RetrieveAsync(Request(question.Text)); // what is kept in memory is loaded, statements are prepared
        }

        var start = TimeProvider.System.GetTimestamp();
        var counts = await Task.WhenAll(
            Enumerable
                .Range(0, Callers)
                .Select(caller =>
                    Task.Run(async () =>
                    {
                        var count = 0;
                        for (; TimeProvider.System.GetElapsedTime(start) < Duration; count++)
                        {
                            var question = questions[(caller + (count * Callers)) % questions.Length];
                            var found = await pipeline.RetrieveAsync(Request(question.Text));
                            if (found.Count != 8 || found.Note is not null)
                            {
                                throw new InvalidOperationException($"{found.Count} passages: {found.Note}");
                            }
                        }

                        return count;
                    })
                )
        );
        Line($"| {name} | {counts.Sum() / TimeProvider.System.GetElapsedTime(start).TotalSeconds:F0} |");
    }

    public static async Task MeasureSqliteAsync(SearchCorpus corpus, (string Text, float[] Vector)[] questions)
    {
        var folder = Directory.CreateTempSubdirectory("slipway-benchmark-");
        var database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(folder.FullName, "slipway.db") },
            TimeProvider.System
        );
        try
        {
            var (store, index) = (new SqliteDocumentStore(database), new SqliteSearchIndex(database));
            foreach (var batch in corpus.Documents.Chunk(1000))
            {
                await store.SaveEmbeddingsAsync(
                    SearchCorpus.Model,
                    [.. batch.SelectMany(document => document.Embeddings)]
                );
                await store.PublishBatchAsync([.. batch.Select(document => document.Publication)]);
                await index.MergeAsync(CollectionKey.Default);
            }

            await SearchReport.TimeTextAsync("BM25 on SQLite, 10 best", index, questions);
            Line($"");
            Line($"| hybrid | queries/s |");
            Line($"|---|---:|");
            await MeasureAsync("SQLite", index, questions);
        }
        finally
        {
            database.Dispose();
            folder.Delete(recursive: true);
        }
    }

    private static RetrievalRequest Request(string question) => new() { Query = question, Principal = Principal.Local };

    /// <summary>Stands for the model: the vectors of the questions are known.</summary>
    private sealed class KnownVectors((string Text, float[] Vector)[] questions)
        : IEmbeddingGenerator<string, Embedding<float>>
    {
        private readonly Dictionary<string, float[]> _vectors = questions
            .DistinctBy(question => question.Text)
            .ToDictionary(question => question.Text, question => question.Vector);

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values,
            EmbeddingGenerationOptions? options = null,
            CancellationToken cancellationToken = default
        ) =>
            Task.FromResult(
                new GeneratedEmbeddings<Embedding<float>>(values.Select(text => new Embedding<float>(_vectors[text])))
            );

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata)
                ? new EmbeddingGeneratorMetadata(
                    "known",
                    null,
                    SearchCorpus.Model[..SearchCorpus.Model.IndexOf(';', StringComparison.Ordinal)],
                    SearchCorpus.Dimensions
                )
                : null;

        public void Dispose() { }
    }
}
