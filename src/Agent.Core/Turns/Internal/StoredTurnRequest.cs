using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Turns.Internal;

/// <summary>What whoever takes a turn over must know of its request. The messages are stored beside it.</summary>
internal sealed record StoredTurnRequest(IReadOnlyList<string> Groups, bool IsAdmin, JsonElement? Options)
{
    /// <summary>As text; null when only this process can run it: with tools of its caller, or with settings that are code.</summary>
    public static string? Write(TurnRequest request)
    {
        if (
            request.Options is { } options
            && (options.Tools is { Count: > 0 } || options.RawRepresentationFactory is not null)
        )
        {
            return null;
        }

        try
        {
            return JsonSerializer.Serialize(
                new(
                    request.Principal.Groups,
                    request.Principal.IsAdmin,
                    request.Options is null ? null : AgentJson.ToElement<ChatOptions>(request.Options)
                ),
                TurnEventJsonContext.Default.StoredTurnRequest
            );
        }
        catch (Exception exception) when (exception is NotSupportedException or JsonException)
        {
            return null;
        }
    }

    /// <summary>The request, as far as it is needed; null when it cannot be read.</summary>
    public static TurnRequest? Read(AbandonedTurn turn)
    {
        try
        {
            var stored = turn.Request is null
                ? null
                : JsonSerializer.Deserialize(turn.Request, TurnEventJsonContext.Default.StoredTurnRequest);
            return stored is null
                ? null
                : new()
                {
                    Principal = turn.Principal with { Groups = stored.Groups, IsAdmin = stored.IsAdmin },
                    ConversationId = turn.ConversationId,
                    Messages = [],
                    Options = stored.Options is { } json ? AgentJson.Read<ChatOptions>(json.GetRawText()) : null,
                };
        }
        catch (Exception exception) when (exception is NotSupportedException or JsonException)
        {
            return null;
        }
    }
}
