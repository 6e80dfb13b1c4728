using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.AspNetCore.Tests;

/// <summary>A whole server as a host has it: Kestrel on a free loopback port, a SQLite file, a folder of documents.</summary>
internal sealed class SlipwayServer : IAsyncDisposable
{
    public const string Manual =
        "# Espresso machine\n\n## Descaling\n\nDescale the boiler every three months with citric acid.\n";

    private readonly WebApplication _app;
    private readonly string _folder;
    private readonly bool _ownsFolder;

    private SlipwayServer(WebApplication app, string folder, bool ownsFolder)
    {
        _app = app;
        _folder = folder;
        _ownsFolder = ownsFolder;
        Url = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );
        Client = new HttpClient { BaseAddress = Url };
    }

    public Uri Url { get; }

    public HttpClient Client { get; }

    /// <summary>The file of a server on SQLite.</summary>
    public string Database => Path.Combine(_folder, "test.db");

    public IServiceProvider Services => _app.Services;

    public static async Task<SlipwayServer> StartAsync(
        IChatClient? model = null,
        Dictionary<string, string?>? settings = null,
        string environment = "Development",
        Action<WebApplicationBuilder>? configure = null,
        Action<WebApplication>? map = null,
        bool withAgent = true,
        SlipwayServer? beside = null,
        string? postgres = null
    )
    {
        var folder = beside?._folder ?? Directory.CreateTempSubdirectory("slipway-http-").FullName;
        Directory.CreateDirectory(Path.Combine(folder, "knowledge"));
        await File.WriteAllTextAsync(Path.Combine(folder, "knowledge", "manual.md"), Manual);
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ContentRootPath = folder, EnvironmentName = environment }
        );
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["urls"] = "http://127.0.0.1:0",
                ["Limits:Requests"] = "0", // most tests ask more often than a user may
                // A script's replies are the test's, and not for titles; a test of titles asks for them.
                ["Agent:GenerateTitles"] = "false",
            }
        );
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        if (model is not null)
        {
            builder.Services.AddSingleton(model);
        }

        builder.AddSlipway(slipway =>
        {
            (postgres is null ? slipway.UseSqlite(Path.Combine(folder, "test.db")) : slipway.UsePostgres(postgres))
                .AddRag()
                .AddFolder("knowledge")
                .AddHttpApi();
            if (withAgent)
            {
                slipway.AddAgent();
            }
        });
        configure?.Invoke(builder);
        var app = builder.Build();
        app.MapSlipway();
        map?.Invoke(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new SlipwayServer(app, folder, beside is null);
    }

    /// <summary>Reads the folder into the database, once.</summary>
    public async Task<SlipwayServer> IngestAsync()
    {
        await Services
            .GetRequiredService<IngestionPipeline>()
            .RunAsync(
                Services.GetRequiredService<IDocumentSource>(),
                CollectionKey.Default,
                null,
                TestContext.Current.CancellationToken
            );
        return this;
    }

    /// <summary>As a host stops that is told to.</summary>
    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public HttpClient WithToken(string token)
    {
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return Client;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        if (_ownsFolder)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
