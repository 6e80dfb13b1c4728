using System.Text;
using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Limits.Internal;

/// <summary>The tokens of one model call: as the model tells them, and estimated as long as it does not.</summary>
internal sealed class CallMeter
{
    // Byte-pair encodings need a token for 4 bytes of English, and for 3 of code, of accents and of most other scripts.
    private const int BytesPerToken = 3;
    private const int TokensPerMessage = 8;

    // A picture in full detail; see https://platform.openai.com/docs/guides/images-vision#calculating-costs
    private const int TokensPerAttachment = 1_500;

    private readonly IEnumerable<ChatMessage> _messages;
    private readonly ChatOptions? _options;
    private long? _inputTokens;
    private long _outputBytes;
    private TurnUsage? _told;

    public CallMeter(IEnumerable<ChatMessage> messages, ChatOptions? options, string? model) =>
        (_messages, _options, Model) = (messages, options, model);

    /// <summary>The model that is expected to answer, and then the one that answers.</summary>
    public string? Model { get; private set; }

    /// <summary>Estimated, on the safe side for most texts; asked for only where it is needed.</summary>
    public long InputTokens => _inputTokens ??= EstimateInput();

    public bool HasBegun { get; private set; }

    public TurnUsage Usage => _told ?? new(InputTokens, Tokens(_outputBytes));

    public void Count(ChatResponseUpdate update)
    {
        HasBegun = true;
        Model = update.ModelId ?? Model;
        foreach (var content in update.Contents)
        {
            if (content is UsageContent usage)
            {
                _told = TurnUsage.Add(_told, TurnUsage.From(usage.Details));
            }
            else
            {
                _outputBytes += Bytes(content);
            }
        }
    }

    private long EstimateInput()
    {
        long bytes = _options?.Instructions is { } instructions ? Encoding.UTF8.GetByteCount(instructions) : 0;
        var tokens = 0L;
        foreach (var message in _messages)
        {
            tokens += TokensPerMessage;
            foreach (var content in message.Contents)
            {
                bytes += Bytes(content);
                tokens += content is DataContent or UriContent ? TokensPerAttachment : 0;
            }
        }

        foreach (var tool in _options?.Tools?.OfType<AIFunctionDeclaration>() ?? [])
        {
            bytes += Encoding.UTF8.GetByteCount(tool.Name + tool.Description + tool.JsonSchema.GetRawText());
        }

        return tokens + Tokens(bytes);
    }

    private static long Tokens(long bytes) => (bytes + BytesPerToken - 1) / BytesPerToken;

    private static long Bytes(AIContent content) =>
        content switch
        {
            TextContent text => Encoding.UTF8.GetByteCount(text.Text),
            TextReasoningContent reasoning => Encoding.UTF8.GetByteCount(reasoning.Text),
            FunctionCallContent call => Encoding.UTF8.GetByteCount(call.Name + AgentJson.Write(call.Arguments)),
            FunctionResultContent { Result: string text } => Encoding.UTF8.GetByteCount(text),
            FunctionResultContent { Result: { } result } => Encoding.UTF8.GetByteCount(
                AgentJson.ToElement(result).GetRawText()
            ),
            _ => 0,
        };
}
