using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace Slipway.Tests;

/// <summary>Stands between a client and the server on loopback and cuts a connection at a chosen moment.</summary>
internal sealed class LoopbackProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly string _host;
    private readonly int _port;
    private readonly Task _accepting;
    private byte[]? _lost;

    public LoopbackProxy(string connectionString)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        (_host, _port) = (parts.Host!, parts.Port);
        _listener.Start();
        (parts.Host, parts.Port) = ("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);
        parts.SslMode = SslMode.Disable;
        ConnectionString = parts.ConnectionString;
        _accepting = AcceptAsync();
    }

    public string ConnectionString { get; }

    public bool HasLostAnAnswer { get; private set; }

    /// <summary>The next message to the server that holds this text arrives there; its answer never comes back.</summary>
    public void LoseNextAnswerTo(string text) => _lost = Encoding.ASCII.GetBytes(text);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Stop();
        await _accepting;
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = RelayAsync(await _listener.AcceptTcpClientAsync(_ended.Token));
            }
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(_host, _port, _ended.Token);
                var isCut = new TaskCompletionSource();
                await Task.WhenAny(
                    CopyAsync(client.GetStream(), server.GetStream(), isToServer: true, isCut),
                    CopyAsync(server.GetStream(), client.GetStream(), isToServer: false, isCut)
                );
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
            {
                // Either side is gone: both connections are closed.
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool isToServer, TaskCompletionSource isCut)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReadAsync(buffer, _ended.Token) is > 0 and var count)
        {
            if (isToServer && _lost is { } lost && buffer.AsSpan(0, count).IndexOf(lost) >= 0)
            {
                _lost = null;
                isCut.SetResult();
            }
            else if (!isToServer && isCut.Task.IsCompleted)
            {
                HasLostAnAnswer = true; // the server has answered, so it is done; the client never hears of it
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, count), _ended.Token);
        }
    }
}
