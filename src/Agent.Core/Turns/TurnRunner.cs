using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Agents.Context;
using Slipway.Agents.Conversations;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

/// <summary>The agent's loop: store, build the context, call the model, run its tools, check what it cites, store again.</summary>
/// <remarks>Safe for concurrent use. It disposes nothing that it was given.</remarks>
/// <param name="model">The model. It must not run tools itself (no <c>UseFunctionInvocation</c> in its pipeline): the turn does.</param>
/// <param name="conversations">Where conversations, turns and usage are stored.</param>
/// <param name="tools">The tools of each principal.</param>
/// <param name="passages">Reads the text that quotes are checked against; null for an agent without knowledge.</param>
/// <param name="options">The agent's settings.</param>
/// <param name="timeProvider">The clock; null for the system's.</param>
/// <param name="logger">Where errors go that users do not see; null for nowhere.</param>
/// <param name="scopes">Makes a scope per turn, whose services tools receive; null for none.</param>
public sealed partial class TurnRunner(
    IChatClient model,
    IConversationStore conversations,
    IToolSource tools,
    IPassageReader? passages,
    AgentOptions options,
    TimeProvider? timeProvider = null,
    ILogger<TurnRunner>? logger = null,
    IServiceScopeFactory? scopes = null
) : ITurnRunner
{
    private readonly ILogger _logger = logger ?? NullLogger<TurnRunner>.Instance;
    private readonly ContextBuilder _context = new(
        conversations,
        passages,
        options,
        timeProvider ?? TimeProvider.System
    );

    /// <inheritdoc/>
    public async IAsyncEnumerable<TurnEvent> RunAsync(
        TurnRequest request,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var turn = await StartAsync(request, cancellationToken).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = RunToEndAsync(turn, stop.Token);
        try
        {
            await foreach (var happened in turn.Events.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return happened;
            }
        }
        finally
        {
            // A caller that stops listening stops the turn; it is stored before the caller goes on.
            await stop.CancelAsync().ConfigureAwait(false);
            await running.ConfigureAwait(false);
        }
    }

    private async Task<TurnEnd> AnswerAsync(Turn turn, CancellationToken cancellationToken)
    {
        await OfferToolsAsync(turn, cancellationToken).ConfigureAwait(false);
        await _context.BuildAsync(turn, cancellationToken).ConfigureAwait(false);

        while (turn.Step < options.MaxModelCalls)
        {
            var (calls, finishReason) = await CallModelAsync(turn, cancellationToken).ConfigureAwait(false);
            if (calls.Count == 0)
            {
                return new(TurnStatus.Completed, finishReason, turn.Usage);
            }

            if (HandOver(turn, calls))
            {
                return new(TurnStatus.Completed, ChatFinishReason.ToolCalls.Value, turn.Usage);
            }

            await RunToolsAsync(turn, calls, cancellationToken).ConfigureAwait(false);
            await conversations.AppendAsync(turn.TakeOutput(), cancellationToken).ConfigureAwait(false);
        }

        return new(TurnStatus.BudgetExhausted, ChatFinishReason.ToolCalls.Value, turn.Usage);
    }
}
