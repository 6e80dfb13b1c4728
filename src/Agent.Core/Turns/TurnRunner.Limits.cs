using Slipway.Agents.Limits;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

// What a turn may use: reserved before its row, settled before its end is told.
public sealed partial class TurnRunner
{
    private readonly ModelPrices _prices = new(options.Prices);

    /// <summary>The one place where a limit refuses a turn, before anything of it is stored.</summary>
    private async ValueTask ReserveAsync(Turn turn, CancellationToken cancellationToken)
    {
        turn.Prices = _prices;
        turn.Allowance = limiter is null
            ? null
            : await limiter.AdmitAsync(turn.Id, turn.Request.Principal, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A turn that was taken over goes on with what is left of its reservation, or with a new one when it has expired.</summary>
    private ValueTask ReserveAgainAsync(Turn turn, CancellationToken cancellationToken) =>
        turn.Taken is null ? ValueTask.CompletedTask : ReserveAsync(turn, cancellationToken);

    /// <summary>Ends the reservation however the turn ended; never throws.</summary>
    private async ValueTask SettleAsync(Turn turn)
    {
        if (turn.Leave != TurnLeave.Not)
        {
            // It goes on elsewhere, and is the next owner's to settle.
            if (turn.Allowance is not null)
            {
                await turn.Allowance.NoteAsync().ConfigureAwait(false);
            }
        }
        else if (turn.Allowance is not null)
        {
            await turn.Allowance.SettleAsync().ConfigureAwait(false);
        }
        else if (turn.Taken is not null && limiter is not null)
        {
            await limiter.SettleAsync(turn.Id, turn.Request.Principal).ConfigureAwait(false); // for an owner that is gone
        }
    }
}
