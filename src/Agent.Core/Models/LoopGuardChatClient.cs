using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Models;

/// <summary>
/// Ends an answer that goes round in circles. A model that called the same tool with the same arguments as often as it may since the
/// user's last message reads so with the result; if it calls once more, the call is not passed on and a <see cref="ToolLoopException"/>
/// ends the answer.
/// </summary>
/// <remarks>
/// Safe for concurrent use if the inner client is; it keeps nothing, the messages tell. It owns the inner client. What runs tools belongs
/// around it.
/// </remarks>
/// <param name="inner">The model.</param>
/// <param name="maxRepeatedCalls">How often the same call may be made, at least 1.</param>
public sealed class LoopGuardChatClient(
    IChatClient inner,
    int maxRepeatedCalls = LoopGuardChatClient.DefaultMaxRepeatedCalls
) : DelegatingChatClient(inner)
{
    /// <summary>How often the same call may be made unless set: 3.</summary>
    public const int DefaultMaxRepeatedCalls = 3;

    private readonly int _max =
        maxRepeatedCalls >= 1 ? maxRepeatedCalls : throw new ArgumentOutOfRangeException(nameof(maxRepeatedCalls));

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        Calls calls = new(messages, _max);
        var response = await InnerClient
            .GetResponseAsync(calls.Messages, options, cancellationToken)
            .ConfigureAwait(false);
        foreach (var message in response.Messages)
        {
            calls.Check(message.Contents);
        }

        return response;
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        Calls calls = new(messages, _max);
        await foreach (
            var update in InnerClient
                .GetStreamingResponseAsync(calls.Messages, options, cancellationToken)
                .ConfigureAwait(false)
        )
        {
            calls.Check(update.Contents);
            yield return update;
        }
    }

    /// <summary>The calls since the user's last message, and how often each was made.</summary>
    private sealed class Calls
    {
        private readonly List<(string Name, JsonElement Arguments, int Count)> _made = [];
        private readonly int _max;

        public Calls(IEnumerable<ChatMessage> messages, int max)
        {
            _max = max;
            List<ChatMessage> sent = [.. messages];
            var asked = sent.FindLastIndex(message => message.Role == ChatRole.User);
            HashSet<string> last = new(StringComparer.Ordinal);
            foreach (
                var call in sent.Skip(asked + 1).SelectMany(message => message.Contents).OfType<FunctionCallContent>()
            )
            {
                if (Count(call) == max)
                {
                    last.Add(call.CallId);
                }
            }

            for (var i = asked + 1; last.Count > 0 && i < sent.Count; i++)
            {
                if (sent[i].Contents.Any(content => IsResultOf(content, last)))
                {
                    sent[i] = sent[i].Clone();
                    sent[i].Contents =
                    [
                        .. sent[i].Contents.Select(content => IsResultOf(content, last) ? Warn(content) : content),
                    ];
                }
            }

            Messages = sent;
        }

        /// <summary>The messages as the model is to read them.</summary>
        public IReadOnlyList<ChatMessage> Messages { get; }

        /// <exception cref="ToolLoopException">One of the calls was made too often.</exception>
        public void Check(IEnumerable<AIContent> contents)
        {
            foreach (var call in contents.OfType<FunctionCallContent>().Where(call => !call.InformationalOnly))
            {
                if (Count(call) > _max)
                {
                    throw new ToolLoopException(call.Name, _max);
                }
            }
        }

        private int Count(FunctionCallContent call)
        {
            var arguments = AgentJson.ToElement<IDictionary<string, object?>>(
                call.Arguments ?? new Dictionary<string, object?>(0, StringComparer.Ordinal)
            );
            var i = _made.FindIndex(made =>
                made.Name == call.Name && JsonElement.DeepEquals(made.Arguments, arguments)
            );
            if (i < 0)
            {
                _made.Add((call.Name, arguments, 1));
                return 1;
            }

            _made[i] = _made[i] with { Count = _made[i].Count + 1 };
            return _made[i].Count;
        }

        private static bool IsResultOf(AIContent content, HashSet<string> calls) =>
            content is FunctionResultContent result && calls.Contains(result.CallId);

        private FunctionResultContent Warn(AIContent content)
        {
            var result = (FunctionResultContent)content;
            var text = result.Result switch
            {
                null => "",
                string said => said,
                JsonElement { ValueKind: JsonValueKind.String } said => said.GetString(),
                { } other => AgentJson.ToElement(other).GetRawText(),
            };
            return new(
                result.CallId,
                $"{text}\n\n(This call was made {_max} times with the same arguments. Do not make it again: answer with what you have, or "
                    + "try something else.)"
            )
            {
                RawRepresentation = result.RawRepresentation,
                Exception = result.Exception,
                AdditionalProperties = result.AdditionalProperties,
            };
        }
    }
}

/// <summary>A model called the same tool with the same arguments again and again.</summary>
public sealed class ToolLoopException : SlipwayException
{
    internal ToolLoopException(string tool, int calls)
        : base(
            ErrorClass.Permanent,
            $"The model called '{tool}' again with the same arguments after {calls} times, so the answer was ended.",
            "Ask in other words. If it happens often, look at what the tool returns, or use another model."
        ) => Tool = tool;

    /// <summary>The tool.</summary>
    public string Tool { get; }
}
