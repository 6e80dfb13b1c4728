using System.Net;
using System.Net.Sockets;
using Npgsql;
using Testcontainers.PostgreSql;

namespace Slipway.Tests;

/// <summary>A server in a container of its own. Its port stays the same when it is started again.</summary>
internal sealed class ContainerPostgres : IOwnPostgres
{
    /// <summary>Testcontainers switches them off, and a killed server then forgets what it has answered.</summary>
    private static readonly string[] Durable = ["fsync=on", "full_page_writes=on", "synchronous_commit=on"];

    private readonly PostgreSqlContainer _container;

    private ContainerPostgres(string[] settings) =>
        _container = new PostgreSqlBuilder(PostgresServer.Image)
            .WithPortBinding(FreePort(), PostgreSqlBuilder.PostgreSqlPort)
            .WithCommand([.. Durable.Concat(settings).SelectMany(setting => new[] { "-c", setting })])
            .Build();

    public string ConnectionString => _container.GetConnectionString();

    /// <summary>Makes and starts a server.</summary>
    public static async Task<ContainerPostgres> StartNewAsync(string[] settings, CancellationToken cancellationToken)
    {
        var server = new ContainerPostgres(settings);
        await server._container.StartAsync(cancellationToken);
        return server;
    }

    public async Task StartAsync(params string[] settings)
    {
        await _container.StartAsync(TestContext.Current.CancellationToken);
        if (settings.Length > 0)
        {
            Assert.Skip("A container starts with the settings that it was made with.");
        }
    }

    public async Task StopAsync()
    {
        await _container.StopAsync(TestContext.Current.CancellationToken);
        NpgsqlConnection.ClearAllPools(); // those of the tests, not of what is tested
    }

    public async Task KillAsync()
    {
        // The kernel lets nobody inside kill the first process for good; this signal ends it without any tidying up.
        await _container.ExecAsync(["sh", "-c", "kill -QUIT 1"], TestContext.Current.CancellationToken);
        await StopAsync();
    }

    public ValueTask DisposeAsync() => _container.DisposeAsync();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
