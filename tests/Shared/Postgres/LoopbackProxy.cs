using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace Slipway.Tests;

/// <summary>Stands between a client and the server on loopback: cuts connections at a chosen moment, holds back or delays what is sent.</summary>
internal sealed class LoopbackProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly string _host;
    private readonly int _port;
    private readonly Task _accepting;
    private byte[]? _lost;
    private long _messages;
    private long _requests;
    private volatile TaskCompletionSource? _stalled;

    public LoopbackProxy(string connectionString)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        (_host, _port) = (parts.Host!, parts.Port);
        _listener.Start();
        (parts.Host, parts.Port) = ("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);
        (parts.SslMode, parts.GssEncryptionMode) = (SslMode.Disable, GssEncryptionMode.Disable);
        ConnectionString = parts.ConnectionString;
        _accepting = AcceptAsync();
    }

    public string ConnectionString { get; }

    public bool HasLostAnAnswer { get; private set; }

    /// <summary>Whether a connection was cut at the place that was asked for.</summary>
    public bool HasCut { get; set; }

    /// <summary>Messages of the protocol that clients have sent.</summary>
    public long Messages => Interlocked.Read(ref _messages);

    /// <summary>Those of them that ask for an answer: the ends of round trips.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>The connection that sends the message of this number, counted as <see cref="Messages"/> is, ends right behind it.</summary>
    public long? CutBehindMessage { get; set; }

    /// <summary>The answer to the request of this number, counted as <see cref="Requests"/> is, never comes back.</summary>
    public long? LoseAnswerTo { get; set; }

    /// <summary>How long everything takes to reach the server.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>The next message to the server that holds this text arrives there; its answer never comes back.</summary>
    public void LoseNextAnswerTo(string text) => _lost = Encoding.ASCII.GetBytes(text);

    /// <summary>From now on nothing arrives at the server, and no connection ends.</summary>
    public void Stall() => _stalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets everything that was held back go on.</summary>
    public void Resume()
    {
        var stalled = _stalled;
        _stalled = null;
        stalled?.SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        Resume();
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
        using (var server = new TcpClient { NoDelay = true })
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(_host, _port, _ended.Token);
                var isCut = new TaskCompletionSource();
                await Task.WhenAny(
                    SendAsync(client.GetStream(), server.GetStream(), isCut),
                    AnswerAsync(server.GetStream(), client.GetStream(), isCut)
                );
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
            {
                // Either side is gone: both connections are closed.
            }
        }
    }

    private async Task SendAsync(NetworkStream client, NetworkStream server, TaskCompletionSource isCut)
    {
        var buffer = new byte[64 * 1024];
        var messages = new FrontendMessages();
        while (await client.ReadAsync(buffer, _ended.Token) is > 0 and var count)
        {
            var isLast = false;
            for (var start = 0; start < count && !isLast; )
            {
                var (length, kind) = messages.Next(buffer.AsSpan(start, count - start));
                start += length;
                if (kind != 0 && Interlocked.Increment(ref _messages) == CutBehindMessage)
                {
                    (isLast, HasCut, count) = (true, true, start);
                }

                if (FrontendMessages.AsksForAnswer(kind) && Interlocked.Increment(ref _requests) == LoseAnswerTo)
                {
                    isCut.TrySetResult();
                }
            }

            if (_lost is { } lost && buffer.AsSpan(0, count).IndexOf(lost) >= 0)
            {
                _lost = null;
                isCut.TrySetResult();
            }

            if (_stalled is { } stalled)
            {
                await stalled.Task;
            }

            if (Delay > TimeSpan.Zero)
            {
                await Task.Delay(Delay, TimeProvider.System, _ended.Token);
            }

            await server.WriteAsync(buffer.AsMemory(0, count), _ended.Token);
            if (isLast)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(NetworkStream server, NetworkStream client, TaskCompletionSource isCut)
    {
        var buffer = new byte[64 * 1024];
        while (await server.ReadAsync(buffer, _ended.Token) is > 0 and var count)
        {
            if (isCut.Task.IsCompleted)
            {
                HasLostAnAnswer = HasCut = true; // the server has answered, so it is done; the client never hears of it
                return;
            }

            await client.WriteAsync(buffer.AsMemory(0, count), _ended.Token);
        }
    }
}
