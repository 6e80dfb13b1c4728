using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Tests;

/// <summary>A whole ingestion run of a folder, which says a line at each step: a test kills it behind one of them.</summary>
internal static class WorkerEngine
{
    /// <summary>So long the work of a killed process waits for the next one, by the real clock.</summary>
    public static readonly TimeSpan Held = TimeSpan.FromMilliseconds(100);

    /// <param name="database">Where everything goes.</param>
    /// <param name="folder">The source.</param>
    /// <param name="held">How long a document or a plan is held without a sign of life.</param>
    /// <returns>What it did, on one line.</returns>
    public static async Task<string> RunAsync(WorkerDatabase database, string folder, TimeSpan held)
    {
        using var source = new LocalFolderSource(folder);
        var pipeline = new IngestionPipeline(
            database.Documents,
            database.Queue,
            database.Leases,
            database.Search,
            ReaderSet.Default,
            new StructureChunker(),
            new Embedder(),
            new IngestionOptions
            {
                ClaimDuration = held,
                PlannerLease = held,
                RetryDelay = held, // a busy machine is no reason to wait half a minute
                ClaimedAtOnce = 4,
                EmbeddingBatchSize = 2,
            },
            TimeProvider.System,
            NullLogger<IngestionPipeline>.Instance
        );
        var report = await pipeline.RunAsync(source, CollectionKey.Default, new Steps());
        return string.Create(
            CultureInfo.InvariantCulture,
            $"ended with {report.Added} added and {report.Errors.Count} errors"
        );
    }

    private static void Say(string step)
    {
        lock (Console.Out)
        {
            Console.Out.WriteLine(step);
            Console.Out.Flush();
        }
    }

    private sealed class Steps : IProgress<IngestionProgress>
    {
        public void Report(IngestionProgress value) => Say("done " + value.Name);
    }

    /// <summary>A vector by the letters of a text.</summary>
    private sealed class Embedder : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values,
            EmbeddingGenerationOptions? options = null,
            CancellationToken cancellationToken = default
        )
        {
            Say("embedding");
            return Task.FromResult(
                new GeneratedEmbeddings<Embedding<float>>(
                    values.Select(text => new Embedding<float>(
                        new float[] { 1, text.Length, text.Count(letter => letter == 'e') }
                    ))
                )
            );
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata)
                ? new EmbeddingGeneratorMetadata("test", null, "letters", 3)
                : null;

        public void Dispose() { }
    }
}
