using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Auth;

/// <summary>Without tokens the server must not be reachable from outside: the host does not start on another address.</summary>
internal sealed class LoopbackOnly(IServer server, IOptions<AuthOptions> auth) : IHostedLifecycleService
{
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        if (!auth.Value.IsSet && addresses.FirstOrDefault(address => IsLoopback(address) != true) is { } open)
        {
            throw new SlipwayException(ErrorClass.Configuration, Refusal(open));
        }

        return Task.CompletedTask;
    }

    public static string Refusal(string address) =>
        $"'{address}' can be reached from other machines, and there is no Auth: everybody could read everything. Listen on "
        + "http://127.0.0.1:PORT, or set Auth.";

    /// <summary>Null when it is no address.</summary>
    public static bool? IsLoopback(string address)
    {
        try
        {
            // BindingAddress knows what Uri does not: http://*:5000, http://+:5000 and unix sockets.
            var parsed = BindingAddress.Parse(address);
            return parsed.IsUnixPipe || parsed.IsNamedPipe || IsLoopbackHost(parsed.Host);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public static bool IsLoopbackHost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var ip) && IPAddress.IsLoopback(ip));

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
