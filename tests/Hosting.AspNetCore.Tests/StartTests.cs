using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Slipway.Hosting.AspNetCore.Tests;

/// <summary>What a web host says when it cannot start.</summary>
public sealed class StartTests
{
    [Fact]
    [Trait("Parity", "S62")]
    public void The_older_flags_are_understood_by_web_hosts_and_by_plain_ones()
    {
        string[] arguments = ["--mode", "single", "--interval=7", "--Rag:Interval=8"];
        var web = WebApplication.CreateBuilder(arguments);
        web.AddSlipway();
        var plain = Host.CreateApplicationBuilder(arguments);
        plain.AddSlipway();

        Assert.Equal(("single", "7"), (web.Configuration["Rag:RunMode"], web.Configuration["Rag:Interval"]));
        Assert.Equal(("single", "7"), (plain.Configuration["Rag:RunMode"], plain.Configuration["Rag:Interval"]));
    }

    [Fact]
    public async Task A_port_in_use_is_named_with_the_fix_and_ends_with_2()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var (code, error) = await RunAsync("Development", ("urls", $"http://127.0.0.1:{port}"));
        Assert.Equal(2, code);
        Assert.Contains($"127.0.0.1:{port}", error, StringComparison.Ordinal);
        Assert.Contains("--urls", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "S64")]
    public async Task Everything_that_is_missing_is_listed_and_ends_with_2()
    {
        var (code, error) = await RunAsync(
            "Production",
            ("CHECK_INTERVAL", "often"),
            ("Limits:MaxRequestBytes", "none")
        );
        Assert.Equal(2, code);
        Assert.Contains("error: 3 settings or parts are wrong:", error, StringComparison.Ordinal);
        Assert.Contains("CHECK_INTERVAL", error, StringComparison.Ordinal);
        Assert.Contains("Limits:MaxRequestBytes", error, StringComparison.Ordinal);
        Assert.Contains("Auth is not set", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Mapping_without_the_services_says_which_call_is_missing()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        var error = Assert.Throws<SlipwayException>(app.MapSlipway);
        Assert.Contains("AddHttpApi", error.Fix, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Error)> RunAsync(
        string environment,
        params (string Key, string? Value)[] settings
    )
    {
        var folder = Directory.CreateTempSubdirectory("slipway-start-").FullName;
        var before = Console.Error;
        using var error = new StringWriter();
        Console.SetError(error);
        try
        {
            var code = await SlipwayHost.RunAsync(
                () =>
                {
                    var builder = WebApplication.CreateEmptyBuilder(
                        new WebApplicationOptions { ContentRootPath = folder, EnvironmentName = environment }
                    );
                    builder.WebHost.UseKestrelCore();
                    builder.Services.AddRoutingCore();
                    builder.Configuration.AddInMemoryCollection(
                        settings.ToDictionary(item => item.Key, item => item.Value)
                    );
                    builder.AddSlipway(slipway =>
                        slipway.UseSqlite(Path.Combine(folder, "test.db")).AddRag().AddAgent().AddHttpApi()
                    );
                    var app = builder.Build();
                    app.MapSlipway();
                    return app;
                },
                TestContext.Current.CancellationToken
            );
            return (code, error.ToString());
        }
        finally
        {
            Console.SetError(before);
            Directory.Delete(folder, recursive: true);
        }
    }
}
