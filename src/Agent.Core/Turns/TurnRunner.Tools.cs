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

        turn.Emit(new StepFinished(turn.Step, turn.StepUsage));
        return true;
    }

    /// <summary>Runs the tools of a step at the same time; results are told in the order of the calls.</summary>
    private async Task RunToolsAsync(Turn turn, List<FunctionCallContent> calls, CancellationToken cancellationToken)
    {
        // What a provider adds to a call for itself is not stored: it need not be JSON.
        List<AIContent> said =
        [
            .. turn.Answer!.TakeContents(),
            .. calls.Select(call => new FunctionCallContent(call.CallId, call.Name, call.Arguments)),
        ];
        ChatMessage read = new(ChatRole.Tool, []);
        ChatMessage stored = new(ChatRole.Tool, []) { MessageId = turn.StepMessageId(".tools") };
        foreach (var call in calls)
        {
            turn.Emit(new ToolCallStarted(call.CallId, call.Name, Arguments(call)));
        }

        List<Task<ToolOutcome>> running = [.. calls.Select(call => InvokeAsync(turn, call, cancellationToken))];
        for (var i = 0; i < calls.Count; i++)
        {
            var outcome = (await running[i].ConfigureAwait(false)).Register(turn.Passages);
            read.Contents.Add(outcome.ForModel(calls[i].CallId));
            stored.Contents.Add(new FunctionResultContent(calls[i].CallId, outcome.Result));
            turn.Emit(new ToolCallFinished(calls[i].CallId, calls[i].Name, outcome.Result, outcome.Error));
        }

        turn.Context.Add(read);
        turn.Unstored.Add(new(ChatRole.Assistant, said) { MessageId = turn.StepMessageId("") });
        turn.Unstored.Add(stored);
        cancellationToken.ThrowIfCancellationRequested();
        turn.Emit(new StepFinished(turn.Step, turn.StepUsage));
    }

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
