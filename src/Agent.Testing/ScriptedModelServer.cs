using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Slipway.Agents.Testing.Internal;

namespace Slipway.Agents.Testing;

/// <summary>
/// A model server on loopback that speaks OpenAI's protocol and says what a script says: chat completions, streamed or
/// whole, embeddings, and the list of models. It remembers what it was asked, and whether the client left before the
/// answer was complete.
/// </summary>
/// <remarks>
/// Safe for concurrent use. It listens on 127.0.0.1 alone and asks for no key; whoever can reach it can use it.
/// Disposing releases every stall and cuts what is still being answered.
/// </remarks>
public sealed class ScriptedModelServer : IAsyncDisposable
{
    private const int Backlog = 512;
    private readonly ScriptedModelServerOptions _options;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = [];
    private readonly Lock _arrivals = new();
    private readonly List<ScriptedRequest> _requests = [];
    private readonly Dictionary<int, TaskCompletionSource<ScriptedRequest>> _awaited = [];
    private readonly Task _accepting;
    private int _count;

    private ScriptedModelServer(ScriptedModelServerOptions options)
    {
        _options = options;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, options.Port));
        _listener.Listen(Backlog);
        var port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        Url = $"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}/v1";
        BaseAddress = new(Url);
        _accepting = AcceptAsync();
    }

    /// <summary>The root of the API as settings have it, such as <c>http://127.0.0.1:40123/v1</c>.</summary>
    public string Url { get; }

    /// <summary>The same as <see cref="Url"/>: what clients call the endpoint.</summary>
    public Uri BaseAddress { get; }

    /// <summary>The requests so far, in order of arrival; empty when they are not kept.</summary>
    public IReadOnlyList<ScriptedRequest> Requests
    {
        get
        {
            lock (_arrivals)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>How many requests have arrived so far, kept or not.</summary>
    public int RequestCount => Volatile.Read(ref _count);

    /// <summary>Starts a server.</summary>
    /// <param name="replies">
    /// What it answers to chat requests, one each, the last again and again; none for an echo.
    /// </param>
    /// <returns>The server, which listens.</returns>
    public static Task<ScriptedModelServer> StartAsync(params ScriptedReply[] replies)
    {
        ArgumentNullException.ThrowIfNull(replies);
        return StartAsync(
            replies.Length == 0 ? new() : new ScriptedModelServerOptions { Chat = ScriptedReply.InOrder(replies) }
        );
    }

    /// <summary>Starts a server.</summary>
    /// <param name="chat">What it answers to chat requests. Called from several threads at once.</param>
    /// <returns>The server, which listens.</returns>
    public static Task<ScriptedModelServer> StartAsync(Func<ScriptedRequest, ScriptedReply> chat) =>
        StartAsync(new ScriptedModelServerOptions { Chat = chat });

    /// <summary>Starts a server.</summary>
    /// <param name="options">
    /// What it answers, where and by which clock. Changes that are made later have no effect that can be relied on.
    /// </param>
    /// <returns>The server, which listens.</returns>
    /// <exception cref="SocketException">The port is in use.</exception>
    public static Task<ScriptedModelServer> StartAsync(ScriptedModelServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Task.FromResult(new ScriptedModelServer(options));
    }

    /// <summary>Waits for a request.</summary>
    /// <param name="number">Which, from 0, in the order of arrival.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The request, which may not be answered yet.</returns>
    /// <exception cref="InvalidOperationException">It has been here, but requests are not kept.</exception>
    public Task<ScriptedRequest> WaitForRequestAsync(int number = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        lock (_arrivals)
        {
            if (number < _requests.Count)
            {
                return Task.FromResult(_requests[number]);
            }

            if (number < _count)
            {
                throw new InvalidOperationException(
                    "The request has been here and was not kept: wait for it before it is sent, or set "
                        + $"{nameof(ScriptedModelServerOptions.KeepsRequests)}."
                );
            }

            if (!_awaited.TryGetValue(number, out var arrival))
            {
                _awaited[number] = arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return arrival.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Stops listening, cuts what is being answered, and waits until all of it has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                socket.NoDelay = true;
                var connection = ServeAsync(socket);
                _connections[connection] = true;
                _ = connection.ContinueWith(ended => _connections.TryRemove(ended, out _), TaskScheduler.Default);
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // Stopped, or a client that was gone before it was served.
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using HttpConnection connection = new(socket);
        try
        {
            while (await ServeNextAsync(connection)) { }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The connection has ended, by whichever side.
        }
    }

    /// <returns>Whether the connection may serve another request.</returns>
    private async Task<bool> ServeNextAsync(HttpConnection connection)
    {
        try
        {
            if (await connection.ReadHeadAsync(_stop.Token) is not { } head)
            {
                return false;
            }

            var body = await connection.ReadBodyAsync(head, _stop.Token);
            connection.Watch();
            return await AnswerAsync(connection, head, Arrive(head, body)) == ScriptedOutcome.Completed
                && head.KeepsAlive;
        }
        catch (InvalidDataException invalid)
        {
            HttpAnswer answer = new(connection, HttpRequestHead.Unreadable);
            answer.WriteWhole(400, "text/plain", [], System.Text.Encoding.UTF8.GetBytes(invalid.Message));
            await answer.FlushAsync(_stop.Token);
            return false;
        }
    }

    private ScriptedRequest Arrive(HttpRequestHead head, byte[] body)
    {
        lock (_arrivals)
        {
            ScriptedRequest request = new(_count, head, body, _options.TimeProvider.GetTimestamp());
            _count++;
            if (_options.KeepsRequests)
            {
                _requests.Add(request);
            }

            if (_awaited.Remove(request.Number, out var arrival))
            {
                arrival.TrySetResult(request);
            }

            return request;
        }
    }

    private async Task<ScriptedOutcome> AnswerAsync(
        HttpConnection connection,
        HttpRequestHead head,
        ScriptedRequest request
    )
    {
        HttpAnswer answer = new(connection, head);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, connection.Gone);
        var outcome = ScriptedOutcome.Cut;
        try
        {
            outcome = await PlayAsync(connection, answer, request, ends.Token);
        }
        catch (Exception exception)
            when (exception is IOException or ObjectDisposedException || ends.IsCancellationRequested)
        {
            outcome = _stop.IsCancellationRequested ? ScriptedOutcome.ServerStopped : ScriptedOutcome.ClientLeft;
        }
        finally
        {
            request.End(outcome);
        }

        return outcome;
    }

    private async Task<ScriptedOutcome> PlayAsync(
        HttpConnection connection,
        HttpAnswer answer,
        ScriptedRequest request,
        CancellationToken cancellationToken
    )
    {
        ScriptedReply reply;
        try
        {
            reply = Choose(request);
        }
        catch (Exception exception)
        {
            reply = ScriptedReply.Failed(exception);
        }

        using ReplyPlayer player = new(connection, answer, request, reply, _options.TimeProvider);
        return await player.PlayAsync(cancellationToken);
    }

    private ScriptedReply Choose(ScriptedRequest request)
    {
        var script = (request.Method, request.Path) switch
        {
            ("POST", "/v1/chat/completions") => _options.Chat,
            ("POST", "/v1/embeddings") => _options.Embeddings,
            ("GET", "/v1/models") => _options.Models,
            _ => null,
        };
        if (script is null)
        {
            return ScriptedReply.Refuse(
                404,
                $"There is no {request}. There are POST /v1/chat/completions, POST /v1/embeddings and GET /v1/models."
            );
        }

        if (request.Method == "POST" && request.Body.ValueKind != System.Text.Json.JsonValueKind.Object)
        {
            return ScriptedReply.Refuse(400, "The body is no JSON object.");
        }

        var reply = script(request) ?? throw new InvalidOperationException("It returned no reply.");
        return script == _options.Chat || reply.IsWhole
            ? reply
            : throw new InvalidOperationException(
                $"{request} cannot be answered with a completion: reply with Embed, ListModels, Refuse or Raw."
            );
    }
}
