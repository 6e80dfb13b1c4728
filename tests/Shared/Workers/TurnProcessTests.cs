using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;

namespace Slipway.Tests;

/// <summary>Turns in real processes that are killed while a client reads.</summary>
public abstract class TurnProcessTests
{
    private const int MostLines = 30;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Kills of the default tier; a process costs most of a second.</summary>
    protected virtual int Kills => 3;

    [Fact]
    public Task Whoever_reads_while_the_process_is_killed_sees_each_event_once() => KillAsync(Kills, seed: 1);

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task The_same_with_thirty_kills() => KillAsync(30, seed: 2);

    protected abstract Task<WorkerDatabase> OpenAsync();

    private async Task KillAsync(int kills, int seed)
    {
        await using var database = await OpenAsync();
        using var folder = new TemporaryFolder();
        var random = new Random(seed);
        for (var kill = 0; kill < kills; kill++)
        {
            var conversation = $"c{kill}";
            var effects = Path.Combine(folder.Path, conversation);
            List<string> seen = [];
            using (var worker = WorkerProcess.Start(database.Address, "killed"))
            {
                await worker.TellAsync(WorkerProgram.Turn(conversation, effects));
                var lines = random.Next(1, MostLines);
                while (seen.Count < lines && await worker.AnswerAsync() is { } line && line != "ended")
                {
                    seen.Add(line);
                }

                await worker.KillAsync();
            }

            var turn = await database.Conversations.FindLastTurnAsync(TurnWorker.Ada, conversation, Token);
            await using var runner = new TurnWorker(effects).Runner(database);
            await foreach (var logged in runner.FollowAsync(TurnWorker.Ada, turn!.Id, seen.Count, Token))
            {
                seen.Add(TurnWorker.Line(logged));
            }

            await AssertWholeAsync(database, conversation, turn.Id, seen);
            Assert.True(Traces(effects, "pay") <= 1);
            await foreach (var happened in runner.RunAsync(TurnWorker.Ask(conversation), Token))
            {
                Assert.IsNotType<TurnFailed>(happened); // the conversation goes on
            }
        }
    }

    private static async Task AssertWholeAsync(
        WorkerDatabase database,
        string conversation,
        string turnId,
        List<string> seen
    )
    {
        var log = await database.Turns.ReadEventsAsync(TurnWorker.Ada, turnId, cancellationToken: Token);
        Assert.Equal(log.Select(TurnWorker.Line), seen);
        Assert.Equal(TurnStatus.Completed, Assert.IsType<TurnFinished>(log[^1].Event).Status);
        var messages = await database.Conversations.ReadMessagesAsync(
            TurnWorker.Ada,
            conversation,
            cancellationToken: Token
        );
        Assert.Equal(
            string.Concat(log.Select(logged => logged.Event).OfType<TextDelta>().Select(delta => delta.Text)),
            string.Concat(
                messages
                    .Where(message => message.Message.Role == ChatRole.Assistant)
                    .Select(message => message.Message.Text)
            )
        );
        var calls = messages.SelectMany(message => message.Message.Contents).ToList();
        Assert.Equal(
            calls.OfType<FunctionCallContent>().Select(call => call.CallId),
            calls.OfType<FunctionResultContent>().Select(result => result.CallId)
        );
    }

    private static int Traces(string effects, string tool) =>
        File.Exists($"{effects}-{tool}") ? File.ReadAllLines($"{effects}-{tool}").Length : 0;
}
