using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Slipway.Hosting.Tests.Models;

/// <summary>
/// A real HTTP server on loopback that speaks OpenAI's protocol: it gives its replies in order, the last one again and again, and
/// remembers what it was asked.
/// </summary>
public sealed class ModelServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ModelReply[] _replies;
    private readonly ConcurrentQueue<ModelRequest> _requests = [];
    private int _next = -1;

    private ModelServer(WebApplication app, ModelReply[] replies)
    {
        _app = app;
        _replies = replies;
        app.Run(ReplyAsync);
    }

    /// <summary>The root of the API, ending in /v1.</summary>
    public string BaseUrl { get; private set; } = "";

    public IReadOnlyList<ModelRequest> Requests => [.. _requests];

    public static async Task<ModelServer> StartAsync(params ModelReply[] replies)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        ModelServer server = new(builder.Build(), replies);
        await server._app.StartAsync();
        var address = server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        server.BaseUrl = address.Addresses.Single() + "/v1";
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ReplyAsync(HttpContext context)
    {
        var body = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        _requests.Enqueue(
            new(context.Request.Path, context.Request.Headers.Authorization.ToString(), body!.AsObject())
        );
        var reply = _replies[Math.Min(Interlocked.Increment(ref _next), _replies.Length - 1)];
        await reply(context, body.AsObject());
    }
}

/// <summary>What the server was asked.</summary>
public sealed record ModelRequest(string Path, string Authorization, JsonObject Body);

/// <summary>One answer of the server.</summary>
public delegate Task ModelReply(HttpContext context, JsonObject request);

/// <summary>The answers that the server can give.</summary>
public static class ModelReplies
{
    /// <summary>Streams text, or gives it at once when the request does not ask for a stream, with usage.</summary>
    public static ModelReply Text(params string[] deltas) =>
        async (context, request) =>
        {
            if (request["stream"]?.GetValue<bool>() != true)
            {
                await WriteAsync(
                    context,
                    Completion(new() { ["role"] = "assistant", ["content"] = string.Concat(deltas) }, "stop")
                );
                return;
            }

            foreach (var delta in deltas)
            {
                await EventAsync(context, Chunk(new() { ["role"] = "assistant", ["content"] = delta }));
            }

            await EndAsync(context, "stop");
        };

    /// <summary>Asks for tools, each call's arguments cut in two.</summary>
    public static ModelReply ToolCalls(params (string Id, string Name, string Arguments)[] calls) =>
        async (context, _) =>
        {
            for (var i = 0; i < calls.Length; i++)
            {
                var (id, name, arguments) = calls[i];
                var half = arguments.Length / 2;
                await EventAsync(
                    context,
                    Chunk(new() { ["tool_calls"] = new JsonArray(Call(i, id, name, arguments[..half])) })
                );
                await EventAsync(
                    context,
                    Chunk(new() { ["tool_calls"] = new JsonArray(Call(i, null, null, arguments[half..])) })
                );
            }

            await EndAsync(context, "tool_calls");
        };

    /// <summary>One vector per input: its number in the request, its length, and zeros.</summary>
    public static ModelReply Embeddings(int dimensions = 4) =>
        async (context, request) =>
        {
            var data = new JsonArray();
            foreach (var input in request["input"]!.AsArray())
            {
                var vector = new float[dimensions];
                vector[0] = data.Count;
                vector[1] = input!.GetValue<string>().Length;
                var bytes = new byte[dimensions * sizeof(float)];
                Buffer.BlockCopy(vector, 0, bytes, 0, bytes.Length);
                data.Add(
                    new JsonObject
                    {
                        ["object"] = "embedding",
                        ["index"] = data.Count,
                        ["embedding"] = Convert.ToBase64String(bytes),
                    }
                );
            }

            await WriteAsync(
                context,
                new()
                {
                    ["object"] = "list",
                    ["model"] = "m",
                    ["data"] = data,
                    ["usage"] = new JsonObject { ["prompt_tokens"] = 5, ["total_tokens"] = 5 },
                }
            );
        };

    /// <summary>Refuses, as OpenAI does.</summary>
    public static ModelReply Status(int status, string message = "no", string? code = null, int? retryAfter = null) =>
        async (context, _) =>
        {
            context.Response.StatusCode = status;
            if (retryAfter is not null)
            {
                context.Response.Headers.RetryAfter = retryAfter.Value.ToString(CultureInfo.InvariantCulture);
            }

            await WriteAsync(
                context,
                new()
                {
                    ["error"] = new JsonObject
                    {
                        ["message"] = message,
                        ["type"] = "t",
                        ["code"] = code,
                    },
                }
            );
        };

    /// <summary>Answers 200 with anything.</summary>
    public static ModelReply Raw(string body, string contentType) =>
        async (context, _) =>
        {
            context.Response.ContentType = contentType;
            await context.Response.WriteAsync(body, context.RequestAborted);
        };

    /// <summary>Says something, then breaks the connection once the client has read it.</summary>
    public static ModelReply Cut(string text, Task read) =>
        async (context, _) =>
        {
            await EventAsync(context, Chunk(new() { ["content"] = text }));
            await read;
            context.Abort();
        };

    /// <summary>Says something, or not even that, then nothing until the client gives up.</summary>
    public static ModelReply Stall(string? text, TaskCompletionSource? reached = null) =>
        async (context, _) =>
        {
            if (text is not null)
            {
                await EventAsync(context, Chunk(new() { ["content"] = text }));
            }

            reached?.TrySetResult();
            TaskCompletionSource gone = new();
            await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
            await gone.Task;
        };

    private static JsonObject Call(int index, string? id, string? name, string arguments)
    {
        JsonObject function = new() { ["arguments"] = arguments };
        JsonObject call = new() { ["index"] = index, ["function"] = function };
        if (id is not null)
        {
            call["id"] = id;
            call["type"] = "function";
            function["name"] = name;
        }

        return call;
    }

    private static JsonObject Chunk(JsonObject delta, string? finishReason = null) =>
        new()
        {
            ["id"] = "chatcmpl-1",
            ["object"] = "chat.completion.chunk",
            ["created"] = 1_700_000_000,
            ["model"] = "served-model",
            ["choices"] = new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["delta"] = delta,
                    ["finish_reason"] = finishReason,
                }
            ),
        };

    private static JsonObject Completion(JsonObject message, string finishReason) =>
        new()
        {
            ["id"] = "chatcmpl-1",
            ["object"] = "chat.completion",
            ["created"] = 1_700_000_000,
            ["model"] = "served-model",
            ["choices"] = new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["message"] = message,
                    ["finish_reason"] = finishReason,
                }
            ),
            ["usage"] = Usage(),
        };

    private static JsonObject Usage() =>
        new()
        {
            ["prompt_tokens"] = 11,
            ["completion_tokens"] = 7,
            ["total_tokens"] = 18,
        };

    private static async Task EndAsync(HttpContext context, string finishReason)
    {
        await EventAsync(context, Chunk([], finishReason));
        var usage = Chunk([]);
        usage["choices"] = new JsonArray();
        usage["usage"] = Usage();
        await EventAsync(context, usage);
        await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted);
    }

    private static async Task EventAsync(HttpContext context, JsonObject data)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "text/event-stream";
        }

        await context.Response.WriteAsync($"data: {data.ToJsonString()}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static async Task WriteAsync(HttpContext context, JsonObject body)
    {
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body.ToJsonString(JsonSerializerOptions.Default), context.RequestAborted);
    }
}
