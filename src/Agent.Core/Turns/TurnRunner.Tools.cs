using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

public sealed partial class TurnRunner
{
    private async Task OfferToolsAsync(Turn turn, CancellationToken cancellationToken)
    {
        var callers = turn.Request.Options?.Tools ?? [];
        var own = await tools.GetToolsAsync(turn.Request.Principal, cancellationToken).ConfigureAwait(false);
        own = [.. own.Where(tool => !callers.Any(other => other.Name == tool.Name))];
        foreach (var function in own.OfType<AIFunction>())
        {
            turn.Functions.TryAdd(function.Name, function);
        }

        turn.Options = turn.Request.Options?.Clone() ?? new();
        turn.Options.Tools = [.. own, .. callers];
    }

    /// <summary>Whether the model asked for the caller's own tools: they are told, not run, and the turn ends.</summary>
    private static bool HandOver(Turn turn, List<FunctionCallContent> calls)
    {
        List<FunctionCallContent> callers =
        [
            .. calls.Where(call => turn.Request.Options?.Tools?.Any(tool => tool.Name == call.Name) == true),
        ];
        if (callers.Count == 0)
        {
            return false;
        }

        foreach (var call in callers)
        {
            turn.Emit(new ToolCallStarted(call.CallId, call.Name, Arguments(call), ByCaller: true));
        }

        turn.StepIsWhole = true;
        return true;
    }

    /// <summary>Runs the tools of a step at the same time. That they are about to run is stored first.</summary>
    private async Task RunToolsAsync(Turn turn, List<FunctionCallContent> calls, CancellationToken cancellationToken)
    {
        // What a provider adds to a call for itself is not stored: it need not be JSON.
        List<AIContent> said =
        [
            .. turn.Answer!.TakeContents(),
            .. calls.Select(call => new FunctionCallContent(call.CallId, call.Name, call.Arguments)),
        ];
        turn.Unstored.Add(new(ChatRole.Assistant, said) { MessageId = turn.StepMessageId("") });
        var steps = turn.BeginTools(calls);
        await turn.CommitAsync(
                steps,
                [.. calls.Select(call => new ToolCallStarted(call.CallId, call.Name, Arguments(call)))]
            )
            .ConfigureAwait(false);
        var running = calls.Zip(
            steps.Skip(1),
            (call, step) => RunToolAsync(turn, call, step, calls.Count == 1, cancellationToken)
        );
        await FinishToolsAsync(turn, calls, [.. steps.Skip(1)], [.. running], [], cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Runs a tool, and stores that it has ended, so that it is not run again.</summary>
    private async Task<ToolOutcome> RunToolAsync(
        Turn turn,
        FunctionCallContent call,
        TurnStep step,
        bool isAlone,
        CancellationToken cancellationToken
    )
    {
        var outcome = await InvokeAsync(turn, call, cancellationToken).ConfigureAwait(false);
        // A tool that is alone is stored with the end of the step, which follows at once.
        if (!isAlone && !cancellationToken.IsCancellationRequested)
        {
            await turn.RecordAsync(Finished(step, outcome)).ConfigureAwait(false);
        }

        return outcome;
    }

    /// <summary>Tells and stores the results, in the order of the calls, and ends the step.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="calls">The calls of the step.</param>
    /// <param name="steps">Their steps.</param>
    /// <param name="running">Their outcomes.</param>
    /// <param name="told">Which results were told by an earlier owner.</param>
    /// <param name="cancellationToken">Ends the turn.</param>
    private static async Task FinishToolsAsync(
        Turn turn,
        List<FunctionCallContent> calls,
        List<TurnStep> steps,
        List<Task<ToolOutcome>> running,
        HashSet<int> told,
        CancellationToken cancellationToken
    )
    {
        ChatMessage read = new(ChatRole.Tool, []);
        ChatMessage stored = new(ChatRole.Tool, []) { MessageId = turn.StepMessageId(".tools") };
        for (var i = 0; i < calls.Count; i++)
        {
            var outcome = await running[i].ConfigureAwait(false);
            if (turn.Leave != TurnLeave.Not)
            {
                cancellationToken.ThrowIfCancellationRequested(); // what became of the tool is the next owner's to say
            }

            outcome = outcome.Register(turn.Passages);
            read.Contents.Add(outcome.ForModel(calls[i].CallId));
            stored.Contents.Add(new FunctionResultContent(calls[i].CallId, outcome.Result));
            steps[i] = Finished(steps[i], outcome);
            if (!told.Contains(i))
            {
                turn.Emit(new ToolCallFinished(calls[i].CallId, calls[i].Name, outcome.Result, outcome.Error));
            }
        }

        turn.Context.Add(read);
        turn.Unstored.Add(stored);
        await turn.CommitAsync(steps, new StepFinished(turn.Step, turn.StepUsage)).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static TurnStep Finished(TurnStep step, ToolOutcome outcome) =>
        step with
        {
            Status = TurnStepStatus.Finished,
            Data = outcome.Write(),
        };

    /// <summary>One tool call. Whatever goes wrong becomes text that the model can act on.</summary>
    private async Task<ToolOutcome> InvokeAsync(
        Turn turn,
        FunctionCallContent call,
        CancellationToken cancellationToken
    )
    {
        if (!turn.Functions.TryGetValue(call.Name, out var function))
        {
            return ToolOutcome.Failed(
                $"There is no tool '{call.Name}'. The tools are: {string.Join(", ", turn.Functions.Keys)}."
            );
        }

        if (call.Exception is not null)
        {
            return ToolOutcome.Failed(
                $"The arguments of '{call.Name}' are not a JSON object. Call it again with valid JSON."
            );
        }

        try
        {
            AIFunctionArguments arguments = new(call.Arguments, StringComparer.Ordinal) { Services = turn.Services };
            // A tool that does not heed the token must not keep a cancelled turn open.
            return ToolOutcome.From(
                await function
                    .InvokeAsync(arguments, cancellationToken)
                    .AsTask()
                    .WaitAsync(cancellationToken)
                    .ConfigureAwait(false)
            );
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ToolOutcome.Failed("The turn was stopped before the tool had finished.");
        }
        catch (Exception exception)
        {
            LogToolFailed(call.Name, turn.Id, exception);
            return ToolOutcome.Failed(Explain(call.Name, exception));
        }
    }

    // Only messages that were written to be read by others pass: any other exception's text may hold a secret.
    private static string Explain(string tool, Exception exception) =>
        exception switch
        {
            SlipwayException known => known.Fix is null ? known.Message : $"{known.Message} {known.Fix}",
            ArgumentException { ParamName: "arguments" } or JsonException =>
                $"The arguments of '{tool}' do not fit its schema: {exception.Message} Correct them and call it again.",
            TimeoutException or OperationCanceledException => $"'{tool}' took too long.",
            _ => $"'{tool}' failed ({exception.GetType().Name}).",
        };

    private static JsonElement Arguments(FunctionCallContent call) =>
        AgentJson.ToElement<IDictionary<string, object?>>(
            call.Arguments ?? new Dictionary<string, object?>(0, StringComparer.Ordinal)
        );

    [LoggerMessage(Level = LogLevel.Warning, Message = "Tool {Tool} failed in turn {TurnId}.")]
    private partial void LogToolFailed(string tool, string turnId, Exception exception);
}
