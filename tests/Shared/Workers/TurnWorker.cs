using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Slipway.Agents;
using Slipway.Agents.Testing;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns;

namespace Slipway.Tests;

/// <summary>An agent that pays once and looks, in a test's process or in one that the test kills. What it does leaves a line in a file.</summary>
internal sealed class TurnWorker(string effects)
{
    public static readonly Principal Ada = new("t1", "ada");

    public static TurnRequest Ask(string conversation) =>
        new()
        {
            Principal = Ada,
            ConversationId = conversation,
            Messages = [new(ChatRole.User, "Pay it, and look.")],
        };

    /// <summary>A turn from its start; each event that is told is a line, as a client would get it.</summary>
    public async Task<string> RunAsync(WorkerDatabase database, string conversation)
    {
        await using var runner = Runner(database);
        var started = await runner.StartAsync(Ask(conversation));
        await foreach (var logged in runner.FollowAsync(Ada, started.TurnId))
        {
            await Console.Out.WriteLineAsync(Line(logged));
            await Console.Out.FlushAsync();
        }

        return "ended";
    }

    public static string Line(LoggedTurnEvent logged) =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{logged.Sequence} {(logged.Event is null ? "" : StoredTurnEvent.Write(logged.Event))}"
        );

    public TurnRunner Runner(WorkerDatabase database) =>
        new(
            new ScriptedChatClient(AnswerAsync),
            database.Conversations,
            database.Turns,
            new ToolSource(
                (_, _) =>
                    new([
                        AIFunctionFactory.Create(() => LeaveTrace("pay"), "pay"),
                        AIFunctionFactory.Create(() => LeaveTrace("look"), "look").AsIdempotent(),
                    ])
            ),
            passages: null,
            new AgentOptions()
        );

    private string LeaveTrace(string name)
    {
        File.AppendAllLines($"{effects}-{name}", [name]);
        return name + " done";
    }

    private static async IAsyncEnumerable<AIContent> AnswerAsync(
        IReadOnlyList<ChatMessage> messages,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var hasPaid = messages[^1].Role == ChatRole.Tool || messages.Any(message => message.Role == ChatRole.Tool);
        for (var i = 0; i < 20; i++)
        {
            yield return new TextContent($"{(hasPaid ? "b" : "a")}{i} ");
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, cancellationToken);
        }

        if (!hasPaid)
        {
            yield return new FunctionCallContent("pay", "pay");
            yield return new FunctionCallContent("look", "look");
        }
    }
}
