using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Slipway.Hosting.Tests.Verbs;

[Collection("standard error")]
public sealed partial class VerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Source => Path.Combine(_folder.Path, "source.db");

    private string Target => Path.Combine(_folder.Path, "target.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Migrate_brings_a_file_up_to_date_and_its_dry_run_only_says_how()
    {
        var (code, output, _) = await RunAsync("migrate", "--dry-run");
        Assert.Equal(0, code);
        Assert.StartsWith("-- 0001 initial\n", output, StringComparison.Ordinal);
        Assert.Contains("create table if not exists documents", output, StringComparison.Ordinal);
        Assert.EndsWith("-- nothing was run\n", output, StringComparison.Ordinal);
        Assert.False(File.Exists(Source));

        var (_, migrated, error) = await RunAsync("migrate");
        Assert.Equal(
            output.Split('\n').Where(line => line.StartsWith("-- 0", StringComparison.Ordinal)),
            migrated.Split('\n')[..^2]
        );
        Assert.EndsWith("\n-- the schema is up to date now\n", migrated, StringComparison.Ordinal);
        Assert.Equal("", error);
        Assert.Equal((0, "-- the schema is up to date\n", ""), await RunAsync("migrate", "--dry-run"));
        // What was printed is what a DBA may run by hand.
        await using var connection = new SqliteConnection($"Data Source={Target};Pooling=false");
        await connection.OpenAsync(Token);
        await using var command = connection.CreateCommand();
        command.CommandText = output;
        await command.ExecuteNonQueryAsync(Token);
    }

    [Theory]
    [InlineData("sqlite:")]
    [InlineData("sqlite://")]
    [InlineData("")]
    public async Task Copy_opens_an_address_and_goes_there(string scheme)
    {
        Assert.Equal(0, (await RunAsync("migrate")).Code);

        var (code, output, error) = await RunAsync("copy", "--to=" + scheme + Target);

        Assert.Equal((0, ""), (code, error));
        Assert.Contains($"to the SQLite file {Target}\n", output, StringComparison.Ordinal);
        Assert.EndsWith(
            "copied, compared and equal; the store itself was not changed\n",
            output,
            StringComparison.Ordinal
        );
        Assert.True(File.Exists(Target));
    }

    [Theory]
    [InlineData("There is no verb 'kopy'.", "kopy")]
    [InlineData("copy --to needs a value.", "copy", "--to")]
    [InlineData("copy does not say where to.", "copy")]
    [InlineData("No store of this host understands the address after --to.", "copy", "--to", "mysql://secret@host/db")]
    [InlineData("'sqlite:' names no file.", "copy", "--to", "sqlite:")]
    [InlineData("retry takes either a document or --all.", "retry")]
    [InlineData("retry takes either a document or --all.", "retry", "a.md", "--all")]
    [InlineData("retry --all is about every source, and --source names one.", "retry", "--all", "--source", "local")]
    [InlineData("explain does not say which document.", "explain", "--Color", "blue")]
    [InlineData("explain takes one DOCUMENT, and there are 'a' and 'b.md'.", "explain", "a", "b.md")]
    [InlineData("explain --source needs a value.", "explain", "a.md", "--source")]
    [InlineData("erase does not say which document.", "erase", "--yes")]
    [InlineData("keys --create needs --user: who the key acts as.", "keys", "--create", "x", "--scopes", "chat")]
    [InlineData("keys does one thing at a time: --create, --rotate or --revoke.", "keys", "--create=x", "--revoke=y")]
    [InlineData("--days is 'soon'; it is a number of 0 or more.", "keys", "--create=x", "--user=u", "--days=soon")]
    [InlineData("Nothing was erased: 'a.md' would be gone for good, and --yes was not given.", "erase", "a.md")]
    public async Task What_is_wrong_on_the_command_line_is_said_and_ends_with_2(
        string message,
        params string[] arguments
    )
    {
        var (code, output, error) = await RunAsync(arguments);

        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith($"error: {message}\nfix: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
        Assert.False(File.Exists(Source));
    }

    [Theory]
    [InlineData]
    [InlineData("run")]
    public async Task Without_a_verb_the_host_runs_with_its_settings(params string[] arguments)
    {
        var ran = false;
        var code = await SlipwayHost.RunAsync(
            [.. arguments, "--Color", "blue"],
            left =>
            {
                var builder = TestHost.Create();
                Assert.Equal(["--Color", "blue"], left);
                builder.AddSlipway();
                builder.Services.AddHostedService(services => new Once(
                    services.GetRequiredService<IHostApplicationLifetime>(),
                    () => ran = true
                ));
                return builder.Build();
            },
            Token
        );

        Assert.Equal((0, true), (code, ran));
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (before, beforeError) = (Console.Out, Console.Error);
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        Console.SetOut(output);
        Console.SetError(error);
        try
        {
            var code = await SlipwayHost.RunAsync(arguments, _ => BuildHost(), Token);
            return (code, output.ToString(), error.ToString());
        }
        finally
        {
            Console.SetOut(before);
            Console.SetError(beforeError);
        }
    }

    private sealed class Once(IHostApplicationLifetime lifetime, Action act) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            act();
            lifetime.StopApplication();
            return Task.CompletedTask;
        }
    }
}
