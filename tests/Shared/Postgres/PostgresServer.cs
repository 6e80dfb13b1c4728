using System.Diagnostics.CodeAnalysis;
using DotNet.Testcontainers.Builders;
using Testcontainers.PostgreSql;

namespace Slipway.Tests;

/// <summary>
/// The server that the tests use: the one that <c>SLIPWAY_TEST_POSTGRES</c> names, else a container, else an installed one with pgvector.
/// Found once for each test process. The value <c>skip</c> says that there is none here, on CI as well.
/// </summary>
internal static class PostgresServer
{
    public const string Variable = "SLIPWAY_TEST_POSTGRES";

    private const string AskedToSkip = $"{Variable}=skip: tests that need PostgreSQL are left out.";

    private static readonly Lazy<Task<(string? ConnectionString, string? Problem)>> Server = new(FindAsync);

    /// <summary>
    /// The connection string of a superuser, without a database. Without a server the test is skipped with the reason, and fails on CI.
    /// </summary>
    public static async Task<string> GetAsync()
    {
        var (connectionString, problem) = await Server.Value;
        if (connectionString is null)
        {
            var maySkip = Environment.GetEnvironmentVariable("CI") != "true" || problem == AskedToSkip;
            Assert.SkipWhen(maySkip, problem!);
            Assert.Fail(problem!);
        }

        return connectionString;
    }

    [SuppressMessage(
        "Design",
        "CA1031",
        Justification = "Whatever keeps a container from starting becomes the reason."
    )]
    private static async Task<(string?, string?)> FindAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return named == "skip" ? (null, AskedToSkip) : (named, null);
        }

        string reason;
        try
        {
            var container = new PostgreSqlBuilder("pgvector/pgvector:pg17")
                // Throw-away data: nothing waits for the disk.
                .WithCommand("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "max_connections=300")
                .Build();
            await container.StartAsync(TestContext.Current.CancellationToken);
            return (container.GetConnectionString(), null);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            reason = exception is DockerUnavailableException ? "Docker is not available" : exception.Message;
        }

        var (installed, problem) = InstalledPostgres.Start();
        return installed is not null
            ? (installed, null)
            : (
                null,
                $"No PostgreSQL: {Variable} is not set, no container ({reason}), no installed server ({problem})."
            );
    }
}
