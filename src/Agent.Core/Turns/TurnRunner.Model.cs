using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

public sealed partial class TurnRunner
{
    /// <summary>One model call, streamed.</summary>
    /// <returns>The tools that it asks for, and why it stopped.</returns>
    private async Task<(List<FunctionCallContent> Calls, string FinishReason)> CallModelAsync(
        Turn turn,
        AnswerWriter answer,
        CancellationToken cancellationToken
    )
    {
        answer.IsUsed = true;
        List<ChatResponseUpdate> updates = [];
        await foreach (
            var update in turn.WithinBudget(model)
                .GetStreamingResponseAsync(turn.Context, turn.Options, cancellationToken)
                .ConfigureAwait(false)
        )
        {
            updates.Add(update);
            foreach (var content in update.Contents)
            {
                switch (content)
                {
                    case TextReasoningContent reasoning:
                        answer.WriteReasoning(reasoning.Text);
                        break;
                    case TextContent text:
                        await answer.WriteTextAsync(text.Text, cancellationToken).ConfigureAwait(false);
                        break;
                    case UsageContent counted:
                        turn.Count(TurnUsage.From(counted.Details));
                        break;
                    case ErrorContent error:
                        throw new SlipwayException(
                            ErrorClass.Permanent,
                            $"The model answered with an error: {error.Message}"
                        );
                }
            }
        }

        await answer.EndAsync(cancellationToken).ConfigureAwait(false);
        var response = updates.ToChatResponse();
        turn.Model = response.ModelId ?? turn.Model;
        turn.Context.AddRange(response.Messages);
        List<FunctionCallContent> calls =
        [
            .. response
                .Messages.SelectMany(message => message.Contents)
                .OfType<FunctionCallContent>()
                .Where(call => !call.InformationalOnly),
        ];
        foreach (var call in calls)
        {
            Scrub(call);
        }

        // A step's end is stored with its messages: without tools, with the turn's end.
        turn.StepIsWhole = calls.Count == 0;
        return (calls, (response.FinishReason ?? ChatFinishReason.Stop).Value);
    }

    // Half a character in a model's JSON reads as an element but can be neither written nor stored.
    private static void Scrub(FunctionCallContent call)
    {
        foreach (var (name, value) in call.Arguments?.ToList() ?? [])
        {
            if (
                value is JsonElement element
                && element.GetRawText() is var raw
                && StoredMessage.Scrub(raw) is var scrubbed
                && scrubbed != raw
            )
            {
                using var document = JsonDocument.Parse(scrubbed);
                call.Arguments![name] = document.RootElement.Clone();
            }
        }
    }
}
