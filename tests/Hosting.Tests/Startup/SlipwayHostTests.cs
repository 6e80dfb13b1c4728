using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Slipway.Hosting.Startup;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Startup;

[Trait("Tier", "fast")]
[Collection("standard error")]
public sealed class SlipwayHostTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_that_is_stopped_ends_with_0()
    {
        var builder = Create();
        builder.AddSlipway();
        builder.Services.AddHostedService<StopAtOnce>();
        Assert.Equal((0, ""), await RunAsync(builder.Build));
    }

    [Theory]
    [InlineData(ErrorClass.Transient, 1)]
    [InlineData(ErrorClass.Permanent, 1)]
    [InlineData(ErrorClass.Configuration, 2)]
    [InlineData(ErrorClass.Authentication, 3)]
    [Trait("Parity", "S68")]
    public async Task A_typed_error_becomes_its_exit_code_with_message_and_fix(ErrorClass errorClass, int expected)
    {
        var (code, error) = await RunAsync(() => throw new SlipwayException(errorClass, "It broke.", "Mend it."));
        Assert.Equal((expected, "error: It broke.\nfix: Mend it.\n"), (code, error));
    }

    [Fact]
    [Trait("Parity", "S64")]
    public async Task Wrong_settings_are_all_printed_and_end_with_2()
    {
        var builder = Create(TestHost.Settings(("CHECK_INTERVAL", "often"), ("RUN_MODE", "twice")));
        var log = new ListLoggerProvider();
        builder.Logging.AddProvider(log);
        builder.AddSlipway().AddRag();

        var (code, error) = await RunAsync(builder.Build);

        Assert.Equal(2, code);
        Assert.Contains("CHECK_INTERVAL", error, StringComparison.Ordinal);
        Assert.Contains("RUN_MODE", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.DoesNotContain(log.Entries, entry => entry.Level > LogLevel.Debug && entry.Exception is not null);
    }

    [Fact]
    public async Task The_stack_trace_is_in_the_log_at_debug_level()
    {
        var builder = Create();
        var log = new ListLoggerProvider();
        builder.Logging.AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        builder.AddSlipway();
        builder.Services.AddHostedService<FailAtStart>();

        var (code, error) = await RunAsync(builder.Build);

        Assert.Equal((3, "error: Refused.\nfix: Renew the key.\n"), (code, error));
        Assert.Contains(log.Entries, entry => entry is { Level: LogLevel.Debug, Exception: SlipwayException });
        Assert.DoesNotContain(log.Entries, entry => entry.Level > LogLevel.Debug && entry.Exception is not null);
    }

    [Theory]
    [InlineData("Microsoft.Extensions.Hosting.Internal.Host")]
    [InlineData("Microsoft.AspNetCore.Server.Kestrel.Connections")]
    public void What_a_host_logs_of_itself_is_what_was_configured(string category)
    {
        var builder = Create();
        var log = new ListLoggerProvider();
        builder.Logging.AddProvider(log).AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.AddSlipway();
        using var host = builder.Build();

        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(category);

        Assert.Equal(
            (false, category.StartsWith("Microsoft.Extensions", StringComparison.Ordinal), true),
            (
                logger.IsEnabled(LogLevel.Debug),
                logger.IsEnabled(LogLevel.Information),
                logger.IsEnabled(LogLevel.Warning)
            )
        );
    }

    [Fact]
    public async Task A_background_service_that_fails_ends_the_process_with_its_error()
    {
        var builder = Create();
        builder.AddSlipway();
        builder.Services.AddHostedService<FailLater>();
        Assert.Equal((2, "error: Gone.\n"), await RunAsync(builder.Build));
    }

    [Fact]
    public async Task Cancellation_stops_the_host()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var builder = Create();
        builder.AddSlipway();
        var host = builder.Build();
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(stop.Cancel);
        Assert.Equal(0, await SlipwayHost.RunAsync(host, stop.Token));
    }

    [Theory]
    [InlineData(SocketError.AddressAlreadyInUse, 2)]
    [InlineData(SocketError.AccessDenied, 2)]
    [InlineData(SocketError.HostUnreachable, 1)]
    public void An_address_is_an_error_of_configuration_and_a_network_is_not(SocketError error, int expected)
    {
        var failure = Failure.From(new IOException("Failed to bind.", new SocketException((int)error)));
        Assert.Equal(expected, failure.ExitCode);
        Assert.NotNull(failure.Fix);
    }

    [Fact]
    public void Among_several_failures_configuration_comes_first()
    {
        var failure = Failure.From(
            new AggregateException(
                new SlipwayException(ErrorClass.Authentication, "A.", "Fix A."),
                new InvalidOperationException("wrapped", new SlipwayException(ErrorClass.Configuration, "B."))
            )
        );
        Assert.Equal(["A. Fix A.", "B."], failure.Messages);
        Assert.Equal(2, failure.ExitCode);
    }

    [Fact]
    public void An_unexpected_error_says_how_to_see_more()
    {
        var failure = Failure.From(new InvalidOperationException("Odd."));
        Assert.Equal(1, failure.ExitCode);
        Assert.Contains("Debug", failure.Fix, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Error)> RunAsync(Func<IHost> build)
    {
        var before = Console.Error;
        using var error = new StringWriter { NewLine = "\n" };
        Console.SetError(error);
        try
        {
            return (await SlipwayHost.RunAsync(build, Token), error.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }

    private sealed class StopAtOnce(IHostApplicationLifetime lifetime) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.ApplicationStarted.Register(lifetime.StopApplication);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class FailAtStart : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) =>
            throw new SlipwayException(ErrorClass.Authentication, "Refused.", "Renew the key.");

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class FailLater : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            throw new SlipwayException(ErrorClass.Configuration, "Gone.");
        }
    }
}
