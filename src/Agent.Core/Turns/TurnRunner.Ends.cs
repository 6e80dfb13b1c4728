using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

public sealed partial class TurnRunner
{
    /// <summary>Answers and closes the turn. Never throws: whatever happens is how the turn ended.</summary>
    private async Task RunToEndAsync(Turn turn)
    {
        TurnEnd end;
        try
        {
            end = await AnswerInScopeAsync(turn).ConfigureAwait(false);
        }
        catch (Exception) when (turn.Leave != TurnLeave.Not)
        {
            end = new(TurnStatus.Interrupted, ChatFinishReason.Stop.Value); // not here
        }
        catch (OperationCanceledException) when (turn.Stopping.IsCancellationRequested && turn.Failure is null)
        {
            end = new(TurnStatus.Cancelled, ChatFinishReason.Stop.Value, turn.Usage);
        }
        catch (TurnLostException)
        {
            turn.LeaveTo(TurnLeave.Lost);
            end = new(TurnStatus.Interrupted, ChatFinishReason.Stop.Value);
        }
        catch (Exception exception) when (exception is BudgetExhaustedException or LimitExceededException)
        {
            end = new(TurnStatus.BudgetExhausted, ChatFinishReason.Length.Value, turn.Usage);
        }
        catch (Exception exception)
        {
            end = Failure(turn, turn.Failure ?? exception);
        }

        await SettleAsync(turn).ConfigureAwait(false);
        try
        {
            await (turn.Leave == TurnLeave.Not ? StoreEndAsync(turn, end) : LeaveAsync(turn)).ConfigureAwait(false);
            turn.Log.Close();
        }
        catch (TurnLostException)
        {
            turn.Log.Close(); // it goes on elsewhere, and those who follow find it there
        }
        catch (Exception exception)
        {
            // Nothing of it is the end: whoever takes the turn over when its lease has expired finds one.
            LogEndNotStored(turn.Id, exception);
            turn.Log.Close(exception);
        }
    }

    private async Task<TurnEnd> AnswerInScopeAsync(Turn turn)
    {
        if (scopes is null)
        {
            return await AnswerAsync(turn, turn.Stopping).ConfigureAwait(false);
        }

        var scope = scopes.CreateAsyncScope();
        await using (scope.ConfigureAwait(false))
        {
            turn.Services = scope.ServiceProvider;
            return await AnswerAsync(turn, turn.Stopping).ConfigureAwait(false);
        }
    }

    /// <summary>What was said and not stored yet becomes the answer's message, however the turn ended.</summary>
    private static async Task StoreEndAsync(Turn turn, TurnEnd end)
    {
        List<TurnEvent> last = [];
        if (turn.Answer?.TakeContents() is { Count: > 0 } contents)
        {
            turn.Unstored.Add(new(ChatRole.Assistant, contents) { MessageId = turn.MessageId });
        }

        if (turn.StepIsWhole)
        {
            last.Add(new StepFinished(turn.Step, turn.StepUsage));
        }

        if (end.Status == TurnStatus.Failed)
        {
            last.Add(new TurnFailed(end.ErrorClass ?? ErrorClass.Permanent, end.Error!));
        }

        last.Add(new TurnFinished(end.Status, end.FinishReason, turn.Usage));
        await turn.EndAsync(end, last).ConfigureAwait(false);
    }

    /// <summary>A turn that is given away: what it said is in the log, and the rest is the next owner's.</summary>
    private async Task LeaveAsync(Turn turn)
    {
        if (turn.Leave == TurnLeave.HandedOver)
        {
            await turn.Log.CommitAsync().ConfigureAwait(false);
            await turns.ReleaseAsync([turn.Lease], CancellationToken.None).ConfigureAwait(false);
        }
    }

    private TurnEnd Failure(Turn turn, Exception exception)
    {
        LogTurnFailed(turn.Id, exception);
        return exception is SlipwayException known
            ? new(
                TurnStatus.Failed,
                "error",
                turn.Usage,
                known.Class,
                known.Fix is null ? known.Message : $"{known.Message} {known.Fix}"
            )
            : new(
                TurnStatus.Failed,
                "error",
                turn.Usage,
                ErrorClass.Permanent,
                $"The answer could not be finished because of an unexpected error. The log has it under turn {turn.Id}."
            );
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Turn {TurnId} failed.")]
    private partial void LogTurnFailed(string turnId, Exception exception);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The end of turn {TurnId} could not be stored; it is taken over later."
    )]
    private partial void LogEndNotStored(string turnId, Exception exception);
}
