using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Slipway.Agents.Limits.Internal;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Limits;

/// <summary>
/// Keeps the model calls of one turn within its budget. A call that does not fit any more is not made; the others are asked for no longer
/// an answer than what is left allows. What a call used counts also when it was cancelled or broke off.
/// </summary>
/// <remarks>
/// One client a turn, around a model that is shared; disposing it disposes the model. How large an input is, is estimated before the call, on
/// the safe side for most texts; where the model tells the true number, that is what counts.
/// </remarks>
/// <param name="inner">The model.</param>
/// <param name="budget">The turn's budget.</param>
public sealed class BudgetChatClient(IChatClient inner, TurnBudget budget) : DelegatingChatClient(inner)
{
    // An answer of fewer tokens is of no use, and some providers refuse to give one.
    private const int LeastOutput = 16;

    /// <summary>Called before each model call and now and then while the model speaks.</summary>
    internal Func<CancellationToken, ValueTask>? Progress { get; init; }

    /// <inheritdoc/>
    /// <exception cref="BudgetExhaustedException">The budget is used up, before the call or by it.</exception>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        // Streamed, because only a stream tells how far an answer came that was stopped.
        await GetStreamingResponseAsync(messages, options, cancellationToken)
            .ToChatResponseAsync(cancellationToken)
            .ConfigureAwait(false);

    /// <inheritdoc/>
    /// <exception cref="BudgetExhaustedException">The budget is used up, before the call or by it.</exception>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var sent = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        CallMeter meter = new(sent, options, options?.ModelId ?? DefaultModel);
        var room = budget.IsLimited ? budget.OutputFor(meter.Model, meter.InputTokens) : null;
        if (room < LeastOutput)
        {
            throw new BudgetExhaustedException();
        }

        if (Progress is not null)
        {
            await Progress(cancellationToken).ConfigureAwait(false);
        }

        var isCut = room < (options?.MaxOutputTokens ?? int.MaxValue);
        var own = options;
        if (isCut)
        {
            own = options?.Clone() ?? new();
            own.MaxOutputTokens = (int)room!.Value;
        }

        var finish = default(ChatFinishReason?);
        var ended = false;
        try
        {
            await foreach (
                var update in InnerClient.GetStreamingResponseAsync(sent, own, cancellationToken).ConfigureAwait(false)
            )
            {
                meter.Count(update);
                finish = update.FinishReason ?? finish;
                yield return update;
                if (Progress is not null)
                {
                    await Progress(cancellationToken).ConfigureAwait(false);
                }
            }

            ended = true;
        }
        finally
        {
            // A provider charges for what was begun; one that refused the call does not.
            if (ended || meter.HasBegun || cancellationToken.IsCancellationRequested)
            {
                budget.Add(meter.Model, meter.Usage);
            }
        }

        if (isCut && finish == ChatFinishReason.Length)
        {
            throw new BudgetExhaustedException();
        }
    }

    private string? DefaultModel => this.GetService<ChatClientMetadata>()?.DefaultModelId;
}
