using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Slipway.Agent.Core.Tests;

/// <summary>A model that says what the test says, call by call, and remembers what it was sent.</summary>
internal sealed class ScriptedChatClient(params ScriptedChatClient.Reply[] replies) : IChatClient
{
    public delegate IAsyncEnumerable<AIContent> Reply(
        IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken
    );

    public List<(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)> Calls { get; } = [];

    public static Reply Say(params string[] deltas) =>
        (_, _) => Contents([.. deltas.Select(delta => new TextContent(delta))]);

    public static Reply Call(string name, object? arguments = null, string callId = "call-1") =>
        Calling((name, arguments, callId));

    public static Reply Calling(params (string Name, object? Arguments, string CallId)[] calls) =>
        (_, _) =>
            Contents([
                .. calls.Select(call => new FunctionCallContent(
                    call.CallId,
                    call.Name,
                    call.Arguments as IDictionary<string, object?>
                        ?? call.Arguments?.GetType()
                            .GetProperties()
                            .ToDictionary(p => p.Name, p => p.GetValue(call.Arguments))
                )),
            ]);

    public static Reply Stream(params AIContent[] contents) => (_, _) => Contents(contents);

    public static Reply SayThenFail(string text, Exception exception) => (_, _) => Failing(text, exception);

    /// <summary>Says something and then nothing until the turn is stopped.</summary>
    public static Reply SayThenHang(string text) => (_, cancellationToken) => Hanging(text, cancellationToken);

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        List<ChatMessage> seen = [.. messages];
        var reply = replies[Math.Min(Calls.Count, replies.Length - 1)];
        Calls.Add((seen, options));
        await foreach (var content in reply(seen, cancellationToken))
        {
            yield return new(ChatRole.Assistant, [content]) { MessageId = "m" + Calls.Count, ModelId = "scripted" };
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() { }

    private static async IAsyncEnumerable<AIContent> Contents(IReadOnlyList<AIContent> contents)
    {
        await Task.Yield();
        foreach (var content in contents)
        {
            yield return content;
        }
    }

    private static async IAsyncEnumerable<AIContent> Failing(string text, Exception exception)
    {
        await Task.Yield();
        yield return new TextContent(text);
        throw exception;
    }

    private static async IAsyncEnumerable<AIContent> Hanging(
        string text,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        yield return new TextContent(text);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
    }
}
