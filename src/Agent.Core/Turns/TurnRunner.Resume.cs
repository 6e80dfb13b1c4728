using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

public sealed partial class TurnRunner
{
    private const string NotKnown =
        "The server was restarted while this tool was running. Whether it took effect is not known, and it was not run again. "
        + "Find out before you call it again, or tell the user.";

    private const string NotFinished =
        "The turn ended before the tool had finished. Whether it took effect is not known.";

    /// <summary>
    /// Closes the step in the middle of which the owner before was lost. What users saw of it becomes a message, and each of its tools gets
    /// a result: its own if it had ended; otherwise an idempotent one runs again, and of any other nobody knows.
    /// </summary>
    private async Task CloseOpenStepAsync(Turn turn, CancellationToken cancellationToken)
    {
        if (turn.Taken is not { IsOpen: true } taken)
        {
            return;
        }

        if (taken.Calls is { Count: > 0 } open)
        {
            List<FunctionCallContent> calls =
            [
                .. open.Select(call => new FunctionCallContent(
                    call.Call.CallId,
                    call.Call.Name,
                    AgentJson.Read<IDictionary<string, object?>>(call.Call.Arguments.GetRawText())
                )),
            ];
            await FinishToolsAsync(
                    turn,
                    calls,
                    [.. open.Select(call => call.Step)],
                    [.. open.Zip(calls, (started, call) => SettleAsync(turn, call, started.Step, cancellationToken))],
                    [.. open.Index().Where(call => call.Item.IsTold).Select(call => call.Index)],
                    cancellationToken
                )
                .ConfigureAwait(false);
            turn.Context.Clear(); // it is built from what is stored
            return;
        }

        if (taken.Said() is { Count: > 0 } said)
        {
            turn.GoesOn = turn.CloseAs is null;
            turn.Unstored.Add(
                new(ChatRole.Assistant, said) { MessageId = turn.GoesOn ? turn.StepMessageId("") : turn.MessageId }
            );
        }

        await turn.CommitAsync([], new StepFinished(turn.Step, null)).ConfigureAwait(false);
    }

    private async Task<ToolOutcome> SettleAsync(
        Turn turn,
        FunctionCallContent call,
        TurnStep step,
        CancellationToken cancellationToken
    )
    {
        if (step.Status == TurnStepStatus.Finished)
        {
            return ToolOutcome.Read(step.Data);
        }

        if (turn.CloseAs is not null)
        {
            return ToolOutcome.Failed(NotFinished);
        }

        return turn.Functions.TryGetValue(call.Name, out var function) && !function.IsIdempotent()
            ? ToolOutcome.Failed(NotKnown)
            : await RunToolAsync(turn, call, step, isAlone: false, cancellationToken).ConfigureAwait(false);
    }
}
