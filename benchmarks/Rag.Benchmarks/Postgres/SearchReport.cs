using Npgsql;
using Pgvector;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal.Search;
using static Slipway.Rag.Benchmarks.PostgresReportCommand;

namespace Slipway.Rag.Benchmarks;

/// <summary>Latency of each leg and throughput of both together.</summary>
internal static class SearchReport
{
    private const int Questions = 400;

    public static async Task RunAsync(int chunks, bool keep)
    {
        var corpus = new SearchCorpus(chunks);
        await using var database = await BenchmarkDatabase.CreateAsync(keep ? $"{chunks}" : null);
        if (!database.IsLoaded)
        {
            await LoadAsync(database, corpus);
        }

        var questions = corpus.Questions(Questions);
        Line($"## {corpus.Chunks} chunks, {Questions} questions of 8 to 15 words");
        Line($"");
        Line($"| search | p50 ms | p95 ms |");
        Line($"|---|---:|---:|");
        foreach (var pass in new[] { "first pass", "second pass" })
        {
            await TimeAsync(
                $"BM25, 10 best ({pass})",
                questions,
                async question =>
                {
                    await using var snapshot = await database.Index.OpenSnapshotAsync(
                        CollectionKey.Default,
                        Principal.Local
                    );
                    return await snapshot.SearchTextAsync(question.Text, 10, new Bm25Options());
                }
            );
        }

        await using var connection = await database.ConnectAsync();
        var column = new EmbeddingColumn(SearchCorpus.Model, SearchCorpus.Dimensions);
        foreach (var count in new[] { 10, 100 })
        {
            await TimeAsync(
                $"bare prepared statement, {count} nearest",
                questions,
                question => BareAsync(connection, column, question.Vector, count)
            );
            await TimeAsync(
                $"vectors, {count} nearest",
                questions,
                async question =>
                {
                    await using var snapshot = await database.Index.OpenSnapshotAsync(
                        CollectionKey.Default,
                        Principal.Local
                    );
                    return await snapshot.SearchVectorsAsync(SearchCorpus.Model, question.Vector, count);
                }
            );
        }
    }

    private static async Task LoadAsync(BenchmarkDatabase database, SearchCorpus corpus)
    {
        await using (var connection = await database.ConnectAsync())
        {
            await BareCopy.WriteAsync(connection, corpus.Documents);
        }

        await database.ExecuteAsync(
            $"insert into slipway.embedding_models values ('{SearchCorpus.Model}', {SearchCorpus.Dimensions}, now())"
        );
        foreach (var batch in corpus.Documents.Chunk(1000))
        {
            await database.Database.WriteAsync(
                null,
                async session =>
                {
                    var index = await PostgresIndexWriter.GetOrCreateIndexAsync(
                        session,
                        CollectionKey.Default,
                        null,
                        TimeProvider.System.GetUtcNow()
                    );
                    foreach (var document in batch)
                    {
                        PostgresIndexWriter.Publish(session, index, document.Id, document.Chunks);
                    }
                },
                CancellationToken.None
            );
        }

        await database.Index.MergeAsync(CollectionKey.Default);
        await database.Index.OptimizeAsync(CollectionKey.Default);
        await database.ExecuteAsync("vacuum analyze");
    }

    /// <summary>What an application without Slipway would send: one statement, prepared, that finds the chunks' keys.</summary>
    private static async Task<int> BareAsync(
        NpgsqlConnection connection,
        EmbeddingColumn column,
        float[] vector,
        int count
    )
    {
        await using var command = new NpgsqlCommand(
            $"""
            select c.document_id, c.ordinal, e.vector::{column.Type} <=> $1::{column.Type}
            from slipway.embeddings e join slipway.chunks c on c.content_hash = e.content_hash
            where e.model = {column.ModelLiteral}
            order by e.vector::{column.Type} <=> $1::{column.Type}
            limit $2
            """,
            connection
        )
        {
            Parameters =
            {
                new() { Value = new Vector(vector) },
                new() { Value = count },
            },
        };
        await using var reader = await command.ExecuteReaderAsync();
        var found = 0;
        while (await reader.ReadAsync())
        {
            found++;
        }

        return found;
    }

    private static async Task<double[]> TimeAsync<T>(
        string name,
        (string Text, float[] Vector)[] questions,
        Func<(string Text, float[] Vector), Task<T>> search
    )
    {
        var times = new double[questions.Length];
        for (var i = 0; i < questions.Length; i++)
        {
            var start = TimeProvider.System.GetTimestamp();
            await search(questions[i]);
            times[i] = TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        Line($"| {name} | {times[times.Length / 2]:F2} | {times[(int)(times.Length * 0.95)]:F2} |");
        return times;
    }
}
