using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Slipway.Hosting.AspNetCore.Tests;

/// <summary>A model that says what the test says, call by call, and remembers what it was sent.</summary>
internal sealed class ScriptedChatClient(params ScriptedChatClient.Reply[] replies) : IChatClient
{
    public delegate IAsyncEnumerable<AIContent> Reply(
        IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken
    );

    private int _calls;

    public ConcurrentQueue<(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)> Calls { get; } = new();

    public static Reply Say(params AIContent[] contents) => (_, _) => contents.ToAsyncEnumerable();

    public static Reply Say(params string[] deltas) =>
        Say([.. deltas.Select(delta => (AIContent)new TextContent(delta))]);

    public static Reply Search(string query, string callId = "call-1") =>
        Call("search_knowledge", callId, ("query", query));

    public static Reply Call(string name, string callId, params (string Name, object? Value)[] arguments) =>
        Say(new FunctionCallContent(callId, name, arguments.ToDictionary(item => item.Name, item => item.Value)));

    public static Reply SayThenFail(string text, Exception exception) => (_, _) => Failing(text, exception);

    /// <summary>Says something and then nothing until the turn is stopped or the gate opens.</summary>
    public static Reply SayThenWait(string text, Task gate, string after = "") =>
        (_, cancellationToken) => Waiting(text, gate, after, cancellationToken);

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
        var call = Interlocked.Increment(ref _calls);
        Calls.Enqueue((seen, options));
        await foreach (var content in replies[Math.Min(call, replies.Length) - 1](seen, cancellationToken))
        {
            yield return new(ChatRole.Assistant, [content]) { MessageId = "m" + call, ModelId = "scripted" };
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() { }

    private static async IAsyncEnumerable<AIContent> Failing(string text, Exception exception)
    {
        await Task.Yield();
        if (text.Length > 0)
        {
            yield return new TextContent(text);
        }

        throw exception;
    }

    private static async IAsyncEnumerable<AIContent> Waiting(
        string text,
        Task gate,
        string after,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        if (text.Length > 0)
        {
            yield return new TextContent(text);
        }

        await gate.WaitAsync(cancellationToken);
        if (after.Length > 0)
        {
            yield return new TextContent(after);
        }
    }
}
