using System.Diagnostics.CodeAnalysis;
using Slipway.Agents.Conversations;

namespace Slipway.Agents.Turns.Internal;

/// <summary>
/// The events of a running turn on their way: numbered, adjacent deltas joined, committed in groups, and only then told to those who
/// follow. Whoever follows reads from here and never holds the turn up; one that falls far behind reads what is stored.
/// </summary>
/// <param name="write">Stores an output of the turn; false when the turn is lost.</param>
/// <param name="blank">An output of the turn without anything in it.</param>
/// <param name="failed">Told once when a group could not be stored.</param>
/// <param name="time">The clock of the groups.</param>
[SuppressMessage("Design", "CA1001", Justification = "Nobody waits by its handle, so there is nothing to release.")]
internal sealed class TurnLog(
    Func<TurnOutput, ValueTask<bool>> write,
    TurnOutput blank,
    Action<Exception> failed,
    TimeProvider time
)
{
    /// <summary>How long an event waits at most for others that are committed with it.</summary>
    public static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(25);

    /// <summary>Committed events that are kept for those who follow; so many of a fast model's last half minute.</summary>
    private const int Kept = 1_024;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly List<TurnEvent> _emitted = [];
    private readonly List<TurnEvent> _unconfirmed = []; // taken to be committed; after an error they are sent again as they were
    private readonly List<TurnEvent> _told = [];
    private long _firstTold = 1;
    private bool _flushing;
    private bool _deltaSeen;
    private bool _closed;
    private Exception? _failure;
    private TaskCompletionSource _changed = New();

    private bool IsStored => blank.ConversationId is not null;

    /// <summary>Adds an event. The turn's first delta is committed at once, everything else after a moment.</summary>
    public void Emit(TurnEvent happened)
    {
        bool atOnce;
        lock (_lock)
        {
            if (!IsStored)
            {
                Tell([happened]);
                return;
            }

            Add(happened);
            atOnce = !_deltaSeen && happened is TextDelta or ReasoningDelta;
            if (_flushing && !atOnce)
            {
                return;
            }

            _flushing = true;
            _deltaSeen |= atOnce;
        }

        _ = FlushAsync(atOnce);
    }

    /// <summary>Tells the events that were stored with the turn itself.</summary>
    public void Begin(IReadOnlyList<TurnEvent> events)
    {
        lock (_lock)
        {
            Tell(events);
        }
    }

    /// <summary>Goes on after the events of an earlier owner: they are in the store.</summary>
    public void ContinueAfter(long sequence) => _firstTold = sequence + 1;

    /// <summary>Commits everything that was emitted, together with an output and the events that belong to it.</summary>
    /// <exception cref="TurnLostException">The turn is not this owner's any more; nothing was written.</exception>
    public async Task CommitAsync(TurnOutput output, params IReadOnlyList<TurnEvent> events)
    {
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!IsStored)
            {
                await CountAsync(output, events).ConfigureAwait(false);
                return;
            }

            lock (_lock)
            {
                foreach (var happened in events)
                {
                    Add(happened);
                }

                _unconfirmed.AddRange(_emitted);
                _emitted.Clear();
                _flushing = false;
            }

            if (_unconfirmed.Count == 0 && ReferenceEquals(output, blank))
            {
                return;
            }

            var first = _firstTold + _told.Count;
            if (!await write(output with { Events = [.. _unconfirmed], FirstSequence = first }).ConfigureAwait(false))
            {
                throw new TurnLostException();
            }

            lock (_lock)
            {
                Tell(_unconfirmed);
                _unconfirmed.Clear();
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Of a stateless turn only the usage is stored.</summary>
    private async Task CountAsync(TurnOutput output, IReadOnlyList<TurnEvent> events)
    {
        if (output.Usage is not null || output.ToolsCalled.Any())
        {
            await write(output).ConfigureAwait(false);
        }

        lock (_lock)
        {
            Tell(events);
        }
    }

    /// <summary>Commits what was emitted.</summary>
    public Task CommitAsync() => CommitAsync(blank);

    /// <summary>Nothing more comes from here: the turn has ended, goes on elsewhere, or could not be stored.</summary>
    public void Close(Exception? failure = null)
    {
        lock (_lock)
        {
            _closed = true;
            _failure ??= failure;
            Signal();
        }
    }

    /// <summary>What was told after a sequence number.</summary>
    public TurnLogView Look(long after)
    {
        lock (_lock)
        {
            var index = after + 1 - _firstTold;
            return new(
                index < 0 ? null
                    : index >= _told.Count ? []
                    : _told.GetRange((int)index, _told.Count - (int)index),
                _closed,
                _failure,
                _changed.Task
            );
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The turn is told and fails with it.")]
    private async Task FlushAsync(bool atOnce)
    {
        if (atOnce)
        {
            // Not on the way of the model's stream: a store may write on its caller's thread.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }
        else
        {
            await Task.Delay(LongestDelay, time).ConfigureAwait(false);
        }

        try
        {
            await CommitAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            failed(exception);
        }
    }

    private void Add(TurnEvent happened)
    {
        if (_emitted is [.., var last] && Join(last, happened) is { } joined)
        {
            _emitted[^1] = joined;
        }
        else
        {
            _emitted.Add(happened);
        }
    }

    private static TurnEvent? Join(TurnEvent first, TurnEvent second) =>
        (first, second) switch
        {
            (TextDelta a, TextDelta b) when a.BlockId == b.BlockId => a with { Text = a.Text + b.Text },
            (ReasoningDelta a, ReasoningDelta b) when a.BlockId == b.BlockId => a with { Text = a.Text + b.Text },
            _ => null,
        };

    private void Tell(IReadOnlyList<TurnEvent> events)
    {
        if (events.Count == 0)
        {
            return;
        }

        _told.AddRange(events);
        if (IsStored && _told.Count >= 2 * Kept)
        {
            _firstTold += _told.Count - Kept;
            _told.RemoveRange(0, _told.Count - Kept);
        }

        Signal();
    }

    private void Signal()
    {
        var changed = _changed;
        _changed = New();
        changed.SetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A look at a running turn's log.</summary>
/// <param name="Events">The events after the given one; null when they are only in the store.</param>
/// <param name="IsClosed">Whether nothing more comes.</param>
/// <param name="Failure">Why it ended without its last event; null when it did not.</param>
/// <param name="Changed">Done when there is more.</param>
internal readonly record struct TurnLogView(
    IReadOnlyList<TurnEvent>? Events,
    bool IsClosed,
    Exception? Failure,
    Task Changed
);

/// <summary>The turn is another owner's by now, or has ended.</summary>
internal sealed class TurnLostException() : Exception("The turn is not this owner's any more.");
