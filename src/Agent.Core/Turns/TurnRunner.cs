using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Agents.Context;
using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Agents.Limits;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

/// <summary>The agent's loop: store, build the context, call the model, run its tools, check what it cites, store again.</summary>
/// <remarks>
/// Safe for concurrent use. It disposes nothing that it was given. Call <see cref="RecoverAsync"/> now and then, and
/// <see cref="DrainAsync"/> before the process ends.
/// </remarks>
/// <param name="model">The model. It must not run tools itself (no <c>UseFunctionInvocation</c> in its pipeline): the turn does.</param>
/// <param name="conversations">Where conversations are stored.</param>
/// <param name="turns">Where running turns are stored.</param>
/// <param name="tools">The tools of each principal.</param>
/// <param name="passages">Reads the text that quotes are checked against; null for an agent without knowledge.</param>
/// <param name="options">The agent's settings.</param>
/// <param name="timeProvider">The clock; null for the system's.</param>
/// <param name="logger">Where errors go that users do not see; null for nowhere.</param>
/// <param name="scopes">Makes a scope per turn, whose services tools receive; null for none.</param>
/// <param name="changes">Wakes who follows or stops a turn of another process; null to look at intervals.</param>
/// <param name="limiter">Lets turns begin and keeps them within their budgets; null for no limits.</param>
/// <param name="attachments">Keeps the files of messages; null leaves their bytes in the messages.</param>
/// <param name="titles">Gives new conversations titles; null leaves them what they begin with.</param>
public sealed partial class TurnRunner(
    IChatClient model,
    IConversationStore conversations,
    ITurnStore turns,
    IToolSource tools,
    IPassageReader? passages,
    AgentOptions options,
    TimeProvider? timeProvider = null,
    ILogger<TurnRunner>? logger = null,
    IServiceScopeFactory? scopes = null,
    IChangeSignal? changes = null,
    TurnLimiter? limiter = null,
    IAttachmentStore? attachments = null,
    ConversationTitles? titles = null
) : ITurnRunner, IAsyncDisposable, IDisposable
{
    private readonly ILogger _logger = logger ?? NullLogger<TurnRunner>.Instance;
    private readonly TimeProvider _time = timeProvider ?? TimeProvider.System;
    private readonly MessageAttachments _attachments = new(attachments);
    private readonly ContextBuilder _context = new(
        conversations,
        new(attachments),
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
        var (turnId, turn) = await BeginAsync(request, cancellationToken).ConfigureAwait(false);
        try
        {
            await foreach (
                var logged in FollowAsync(request.Principal, turnId, turn, 0, cancellationToken).ConfigureAwait(false)
            )
            {
                if (logged.Event is { } happened)
                {
                    yield return happened;
                }
            }
        }
        finally
        {
            // A caller that stops listening stops the turn; it is stored before the caller goes on.
            turn?.Stop();
            await (turn?.Completion ?? Task.CompletedTask).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<StartedTurn> StartAsync(TurnRequest request, CancellationToken cancellationToken = default)
    {
        var (turnId, turn) = await BeginAsync(request, cancellationToken).ConfigureAwait(false);
        return new(turnId, turn is not null);
    }

    private async Task<TurnEnd> AnswerAsync(Turn turn, CancellationToken cancellationToken)
    {
        await OfferToolsAsync(turn, cancellationToken).ConfigureAwait(false);
        await CloseOpenStepAsync(turn, cancellationToken).ConfigureAwait(false);
        if (turn.CloseAs is { } status)
        {
            return new(status, ChatFinishReason.Stop.Value, turn.Usage);
        }

        await ReserveAgainAsync(turn, cancellationToken).ConfigureAwait(false);
        await _context.BuildAsync(turn, cancellationToken).ConfigureAwait(false);
        while (turn.Step < options.MaxModelCalls || turn.Answer is { IsUsed: false })
        {
            var answer = await turn.BeginStepAsync().ConfigureAwait(false);
            var (calls, finishReason) = await CallModelAsync(turn, answer, cancellationToken).ConfigureAwait(false);
            if (calls.Count == 0)
            {
                return new(TurnStatus.Completed, finishReason, turn.Usage);
            }

            if (HandOver(turn, calls))
            {
                return new(TurnStatus.Completed, ChatFinishReason.ToolCalls.Value, turn.Usage);
            }

            await RunToolsAsync(turn, calls, cancellationToken).ConfigureAwait(false);
        }

        return new(TurnStatus.BudgetExhausted, ChatFinishReason.ToolCalls.Value, turn.Usage);
    }
}
