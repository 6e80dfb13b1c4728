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
            await TimeTextAsync($"BM25, 10 best ({pass})", database.Index, questions);
        }

        await using var connection = await database.ConnectAsync();
        var column = new EmbeddingColumn(SearchCorpus.Model, SearchCorpus.Dimensions);
        foreach (var count in new[] { 10, 100 })
        {
            await ExecuteAsync(connection, $"set hnsw.ef_search = {Math.Max(100, count + (count / 2))}; set jit = off");
            await CompareAsync(
                $"bare prepared statement, {count} nearest",
                question => BareAsync(connection, column, question.Vector, count),
                $"vectors, {count} nearest",
                async question =>
                {
                    await using var snapshot = await database.Index.OpenSnapshotAsync(
                        CollectionKey.Default,
                        Principal.Local
                    );
                    return await snapshot.SearchVectorsAsync(SearchCorpus.Model, question.Vector, count);
                },
                questions
            );
        }

        await HybridReport.MeasureSqliteAsync(corpus, questions);
        await HybridReport.MeasureAsync("PostgreSQL, server included", database.Index, questions);
        Line($"");
    }

    public static Task TimeTextAsync(string name, ISearchIndex index, (string Text, float[] Vector)[] questions) =>
        TimeAsync(
            name,
            questions,
            async question =>
            {
                await using var snapshot = await index.OpenSnapshotAsync(CollectionKey.Default, Principal.Local);
                return await snapshot.SearchTextAsync(question.Text, 10, new Bm25Options());
            }
        );

    /// <summary>Both in turn, question by question, so that they meet the same load; the same breadth of search on both sides.</summary>
    private static async Task CompareAsync<TBaseline, T>(
        string baselineName,
        Func<(string Text, float[] Vector), Task<TBaseline>> baseline,
        string name,
        Func<(string Text, float[] Vector), Task<T>> search,
        (string Text, float[] Vector)[] questions
    )
    {
        List<double> before = [];
        List<double> times = [];
        foreach (var question in questions)
        {
            before.Add(await TimeOneAsync(() => baseline(question)));
            times.Add(await TimeOneAsync(() => search(question)));
        }

        Print(baselineName, before);
        Print(name, times);
        Line($"| ratio | {times[times.Count / 2] / before[before.Count / 2]:F2} | |");
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
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

    /// <summary>The least that gives the same answer: one statement, prepared, that finds the chunks' keys.</summary>
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

    private static async Task TimeAsync<T>(
        string name,
        (string Text, float[] Vector)[] questions,
        Func<(string Text, float[] Vector), Task<T>> search
    )
    {
        List<double> times = [];
        foreach (var question in questions)
        {
            times.Add(await TimeOneAsync(() => search(question)));
        }

        Print(name, times);
    }

    private static async Task<double> TimeOneAsync<T>(Func<Task<T>> search)
    {
        var start = TimeProvider.System.GetTimestamp();
        await search();
        return TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Print(string name, List<double> times)
    {
        times.Sort();
        Line($"| {name} | {times[times.Count / 2]:F2} | {times[(int)(times.Count * 0.95)]:F2} |");
    }
}
