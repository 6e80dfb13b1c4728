using Slipway;
using Slipway.Agents.Turns;

namespace Quickstart;

/// <summary>Asks one question, prints the answer with its sources, and ends the program.</summary>
internal sealed class Question(ITurnRunner runner, IHostApplicationLifetime lifetime, string text) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var turn = new TurnRequest
            {
                Principal = Principal.Local,
                Messages = [new Microsoft.Extensions.AI.ChatMessage(Microsoft.Extensions.AI.ChatRole.User, text)],
            };
            if (await new AnswerPrinter(Console.Out).PrintAsync(runner.RunAsync(turn, stoppingToken)) is { } failure)
            {
                throw new SlipwayException(failure.Class, failure.Message);
            }
        }
        finally
        {
            lifetime.StopApplication();
        }
    }
}
