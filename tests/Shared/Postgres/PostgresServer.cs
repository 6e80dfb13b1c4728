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
    public const string Image = "pgvector/pgvector:pg17";

    private const string AskedToSkip = $"{Variable}=skip: tests that need PostgreSQL are left out.";

    private static readonly Lazy<Task<(string? ConnectionString, string? Problem)>> Server = new(FindAsync);

    /// <summary>
    /// The connection string of a superuser, without a database. Without a server the test is skipped with the reason, and fails on CI.
    /// </summary>
    public static async Task<string> GetAsync()
    {
        var (connectionString, problem) = await Server.Value;
        return connectionString ?? throw LeaveOut(problem!);
    }

    /// <summary>
    /// A server that the caller may stop and kill, and disposes: of the programs that the named server runs on, if it runs on this machine,
    /// else of installed ones, else in a container. Without one the test is skipped with the reason, and fails on CI.
    /// </summary>
    /// <param name="settings">As in <c>postgresql.conf</c>: <c>name=value</c>.</param>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps a server from starting becomes the reason.")]
    public static async Task<IOwnPostgres> StartOwnAsync(params string[] settings)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var named = Environment.GetEnvironmentVariable(Variable);
        if (named == "skip")
        {
            throw LeaveOut(AskedToSkip);
        }

        List<string> reasons = [];
        var programs = string.IsNullOrEmpty(named)
            ? null
            : await PostgresPrograms.FindOfAsync(named, cancellationToken);
        if (programs is null && named is { Length: > 0 })
        {
            reasons.Add($"the server of {Variable} cannot be restarted from here");
        }

        if ((programs ?? PostgresPrograms.FindInstalled()) is { } found)
        {
            try
            {
                return LocalPostgres.Start(found, settings);
            }
            catch (InvalidOperationException exception)
            {
                reasons.Add(exception.Message);
            }
        }

        try
        {
            return await ContainerPostgres.StartNewAsync(settings, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            reasons.Add(exception is DockerUnavailableException ? "Docker is not available" : exception.Message);
        }

        throw LeaveOut($"No PostgreSQL that may be restarted: {string.Join("; ", reasons)}.");
    }

    private static Exception LeaveOut(string problem)
    {
        var maySkip = Environment.GetEnvironmentVariable("CI") != "true" || problem == AskedToSkip;
        Assert.SkipWhen(maySkip, problem);
        Assert.Fail(problem);
        return new InvalidOperationException(problem);
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
            var container = new PostgreSqlBuilder(Image)
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

        return StartInstalled(out var problem) is { } installed
            ? (installed, null)
            : (
                null,
                $"No PostgreSQL: {Variable} is not set, no container ({reason}), no installed server ({problem})."
            );
    }

    /// <summary>It ends with the process.</summary>
    private static string? StartInstalled(out string? problem)
    {
        problem = "initdb and pg_ctl were not found";
        if (PostgresPrograms.FindInstalled() is not { } programs)
        {
            return null;
        }

        try
        {
            var server = LocalPostgres.Start(programs, "fsync=off", "max_connections=300");
            AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
            return server.ConnectionString;
        }
        catch (InvalidOperationException exception)
        {
            problem = exception.Message;
            return null;
        }
    }
}
