using System.Globalization;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// <c>-- soak --seconds N --store postgres|sqlite</c>: ingest, delete, merge and search side by side, with every read checked; exit code 1
/// when a document was half, a count wrong, or two workers in a deadlock. The server is the one that
/// <c>SLIPWAY_BENCHMARK_POSTGRES</c> names. At most an hour.
/// </summary>
internal static class SoakCommand
{
    private const int Documents = 300;
    private const int MostSeconds = 3600;

    public static async Task<int> RunAsync(string[] options)
    {
        if (
            options is not ["--seconds", var text, "--store", var store and ("postgres" or "sqlite")]
            || !int.TryParse(text, CultureInfo.InvariantCulture, out var seconds)
            || seconds is < 1 or > MostSeconds
        )
        {
            Console.Error.WriteLine($"Expected: soak --seconds 1…{MostSeconds} --store postgres|sqlite");
            return 2;
        }

        return store == "postgres"
            ? await RunPostgresAsync(TimeSpan.FromSeconds(seconds))
            : await RunSqliteAsync(TimeSpan.FromSeconds(seconds));
    }

    private static async Task<int> RunPostgresAsync(TimeSpan duration)
    {
        await using var benchmark = await BenchmarkDatabase.CreateAsync();
        // As another process has it: nothing in memory is shared.
        await using var other = new PostgresDatabase(
            new PostgresStorageOptions { ConnectionString = benchmark.ConnectionString },
            TimeProvider.System
        );
        return await RunAsync(
            duration,
            [
                (new PostgresDocumentStore(benchmark.Database), benchmark.Index),
                (new PostgresDocumentStore(other), new PostgresSearchIndex(other)),
            ],
            async () =>
                (long)
                    (
                        await benchmark.ExecuteAsync(
                            "select deadlocks from pg_stat_database where datname = current_database()"
                        )
                    )!
        );
    }

    private static async Task<int> RunSqliteAsync(TimeSpan duration)
    {
        var folder = Directory.CreateTempSubdirectory("slipway-benchmark-").FullName;
        try
        {
            var options = new SqliteStorageOptions { Path = Path.Combine(folder, "slipway.db") };
            using var first = new SqliteDatabase(options, TimeProvider.System);
            using var other = new SqliteDatabase(options, TimeProvider.System);
            return await RunAsync(
                duration,
                [
                    (new SqliteDocumentStore(first), new SqliteSearchIndex(first)),
                    (new SqliteDocumentStore(other), new SqliteSearchIndex(other)),
                ],
                () => Task.FromResult(0L)
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> RunAsync(
        TimeSpan duration,
        (IDocumentStore, ISearchIndex)[] stores,
        Func<Task<long>> countDeadlocks
    )
    {
        try
        {
            var report = await new SoakRun(stores, Documents, seed: 1).RunAsync(duration, CancellationToken.None);
            var deadlocks = await countDeadlocks();
            Console.WriteLine("| work | times | a second | p50 ms | p95 ms | longest ms |");
            Console.WriteLine("|---|---:|---:|---:|---:|---:|");
            foreach (var line in report.Lines())
            {
                Console.WriteLine(line);
            }

            Console.WriteLine();
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{report.Duration.TotalSeconds:F0} s; conflicts {report.Conflicts}, half documents 0, wrong counts 0, deadlocks {deadlocks}"
                )
            );
            return deadlocks == 0 ? 0 : 1;
        }
        catch (InvalidOperationException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }
}
