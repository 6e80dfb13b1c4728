using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;
using Slipway.Hosting.Problems;

namespace Slipway.Hosting.Chat;

/// <summary>What <c>useChat</c> posts. Clients send the whole history or the last message only: what is stored here counts.</summary>
/// <param name="Id">The conversation, minted by the client.</param>
/// <param name="Messages">The last one of the user is new; those before are known.</param>
/// <param name="Trigger"><c>submit-message</c> or <c>regenerate-message</c>; null is the first.</param>
internal sealed record ChatRequest(string? Id, IReadOnlyList<UIMessage>? Messages, string? Trigger = null)
{
    private const string Submit = "submit-message";
    private const string Regenerate = "regenerate-message";

    /// <exception cref="ProblemException">The request cannot be taken; nothing has happened.</exception>
    public async Task<TurnRequest> ToTurnAsync(
        Principal principal,
        LimitsOptions limits,
        ChatAttachments attachments,
        CancellationToken cancellationToken
    )
    {
        if (string.IsNullOrEmpty(Id))
        {
            throw Problem
                .Invalid("'id' is missing: the conversation's id, any text that the client makes up.")
                .ToException();
        }

        if (Trigger is not (null or Submit or Regenerate))
        {
            throw Problem.Invalid($"'trigger' is '{Trigger}'; it may be {Submit} or {Regenerate}.").ToException();
        }

        var regenerate = Trigger == Regenerate;
        return new TurnRequest
        {
            Principal = principal,
            ConversationId = Id,
            Messages = regenerate
                ? []
                : [await NewMessageAsync(principal, limits, attachments, cancellationToken).ConfigureAwait(false)],
            Regenerate = regenerate,
        };
    }

    private async Task<ChatMessage> NewMessageAsync(
        Principal principal,
        LimitsOptions limits,
        ChatAttachments attachments,
        CancellationToken cancellationToken
    )
    {
        var message = Messages?.LastOrDefault(message => message.Role == "user");
        if (message is null)
        {
            throw Problem.Invalid("'messages' holds no message of the user.").ToException();
        }

        var parts = message.Parts ?? [];
        var text = string.Join('\n', parts.Where(part => part.Type == "text").Select(part => part.Text));
        if (text.Length > limits.MaxMessageLength)
        {
            throw Problem
                .Invalid($"The message has {text.Length} characters; at most {limits.MaxMessageLength} are accepted.")
                .ToException();
        }

        var contents = await attachments
            .ReadAsync(principal, Id!, [.. parts.Where(part => part.Type == "file")], cancellationToken)
            .ConfigureAwait(false);
        if (!string.IsNullOrWhiteSpace(text))
        {
            contents.Insert(0, new TextContent(text));
        }

        return contents.Count > 0
            ? new ChatMessage(ChatRole.User, contents) { MessageId = message.Id }
            : throw Problem
                .Invalid("The last message of the user has no text, and no attachment that could be read.")
                .ToException();
    }
}

/// <summary>A message as the client keeps it.</summary>
internal sealed record UIMessage(string? Id, string? Role, IReadOnlyList<UIMessagePart>? Parts);

/// <summary>A part of a message; other types than text and file are the client's memory of earlier answers.</summary>
internal sealed record UIMessagePart(
    string? Type,
    string? Text = null,
    string? Filename = null,
    string? MediaType = null,
    string? Url = null
);
