using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Testing;

/// <summary>A model that says what the test says, call by call, and remembers what it was sent. The last reply is given again and again.</summary>
/// <remarks>Safe for concurrent use; which of two simultaneous calls gets which reply is not decided.</remarks>
public sealed class ScriptedChatClient : IChatClient
{
    private readonly Reply[] _replies;
    private ImmutableList<ScriptedCall> _calls = [];
    private int _count;

    /// <summary>Creates a model.</summary>
    /// <param name="replies">What it says, one a call; at least one.</param>
    public ScriptedChatClient(params Reply[] replies)
    {
        ArgumentNullException.ThrowIfNull(replies);
        ArgumentOutOfRangeException.ThrowIfZero(replies.Length, nameof(replies));
        _replies = replies;
    }

    /// <summary>One answer of the model, piece by piece as it is streamed.</summary>
    /// <param name="messages">What the model was sent.</param>
    /// <param name="cancellationToken">The call's token.</param>
    public delegate IAsyncEnumerable<AIContent> Reply(
        IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken
    );

    /// <summary>The calls so far, in order.</summary>
    public IReadOnlyList<ScriptedCall> Calls => _calls;

    /// <summary>Says a text, in these pieces.</summary>
    public static Reply Say(params string[] deltas) =>
        Say([.. deltas.Select(delta => (AIContent)new TextContent(delta))]);

    /// <summary>Streams contents of any kind.</summary>
    public static Reply Say(params AIContent[] contents) => (_, _) => contents.ToAsyncEnumerable();

    /// <summary>Calls a tool.</summary>
    /// <param name="name">The tool.</param>
    /// <param name="arguments">A dictionary, or an object whose properties are the arguments, such as <c>new { query = "x" }</c>.</param>
    /// <param name="callId">The call's id, unique within a conversation.</param>
    public static Reply Call(string name, object? arguments = null, string callId = "call-1") =>
        Calling((name, arguments, callId));

    /// <summary>Calls several tools at once.</summary>
    public static Reply Calling(params (string Name, object? Arguments, string CallId)[] calls) =>
        Say([
            .. calls.Select(call =>
                (AIContent)
                    new FunctionCallContent(
                        call.CallId,
                        call.Name,
                        call.Arguments as IDictionary<string, object?>
                            ?? call.Arguments?.GetType()
                                .GetProperties()
                                .ToDictionary(property => property.Name, property => property.GetValue(call.Arguments))
                    )
            ),
        ]);

    /// <summary>Says something, if there is something to say, and fails.</summary>
    public static Reply SayThenFail(string text, Exception exception) => (_, _) => Failing(text, exception);

    /// <summary>Says something and then nothing until the call is cancelled.</summary>
    public static Reply SayThenHang(string text) =>
        (_, cancellationToken) => Waiting(text, new TaskCompletionSource().Task, "", cancellationToken);

    /// <summary>Says something and then nothing until the gate opens or the call is cancelled.</summary>
    /// <param name="text">What it says at first.</param>
    /// <param name="gate">The gate; it is open when the task is done.</param>
    /// <param name="after">What it says behind the gate.</param>
    public static Reply SayThenWait(string text, Task gate, string after = "") =>
        (_, cancellationToken) => Waiting(text, gate, after, cancellationToken);

    /// <inheritdoc />
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        List<ChatMessage> seen = [.. messages];
        var call = Interlocked.Increment(ref _count);
        ImmutableInterlocked.Update(ref _calls, calls => calls.Add(new(seen, options)));
        await foreach (var content in _replies[Math.Min(call, _replies.Length) - 1](seen, cancellationToken))
        {
            yield return new(ChatRole.Assistant, [content])
            {
                MessageId = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"m{call}"),
                ModelId = "scripted",
            };
        }
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    /// <inheritdoc />
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

/// <summary>What a <see cref="ScriptedChatClient"/> was sent in one call.</summary>
/// <param name="Messages">The messages.</param>
/// <param name="Options">The options; null when there were none.</param>
public sealed record ScriptedCall(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options);
