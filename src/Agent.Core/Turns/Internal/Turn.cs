using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;

namespace Slipway.Agents.Turns.Internal;

/// <summary>One turn while it runs.</summary>
[SuppressMessage(
    "Design",
    "CA1001",
    Justification = "Without timers there is nothing to release, and a stop may come at any time."
)]
internal sealed class Turn
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _end = new();
    private TurnUsage? _unstoredUsage;
    private TurnStep? _modelStep;
    private int _steps;
    private int _leave = (int)TurnLeave.Not;

    /// <summary>A new turn.</summary>
    public Turn(TurnRequest request, ITurnStore store, IPassageReader? passageReader, TimeProvider time)
        : this(request, Guid.CreateVersion7().ToString("N"), 1, store, passageReader, time)
    {
        MessageId = Guid.CreateVersion7().ToString("N");
    }

    private Turn(
        TurnRequest request,
        string id,
        long fencingToken,
        ITurnStore store,
        IPassageReader? passageReader,
        TimeProvider time
    )
    {
        (Request, Id, FencingToken) = (request, id, fencingToken);
        Citations = new(Passages, passageReader, request.Principal);
        (Stopping, AtEnd) = (_stop.Token, _end.Token);
        Log = new(output => store.WriteAsync(output, CancellationToken.None), Blank, Fail, time);
    }

    /// <summary>A turn of an owner that is gone, as far as it had come.</summary>
    public static Turn TakeOver(
        TurnRequest request,
        TurnLease lease,
        TurnProgress progress,
        TurnStatus? closeAs,
        ITurnStore store,
        IPassageReader? passageReader,
        TimeProvider time
    )
    {
        Turn turn = new(request, lease.TurnId, lease.FencingToken, store, passageReader, time)
        {
            MessageId = progress.MessageId,
            Taken = progress,
            CloseAs = closeAs,
            Step = progress.Step,
            Usage = progress.Usage,
            _steps = progress.Steps.Count,
        };
        turn.Citations.ContinueAfter(progress.LastCitation);
        turn.Log.ContinueAfter(progress.LastSequence);
        return turn;
    }

    public TurnRequest Request { get; }

    public string Id { get; }

    public long FencingToken { get; }

    /// <summary>The answer's id: the last assistant message of the turn is stored under it.</summary>
    public string MessageId { get; private init; } = "";

    /// <summary>What the owner before left; null for a new turn.</summary>
    public TurnProgress? Taken { get; private init; }

    /// <summary>How a turn that was taken over is to end without being resumed; null to resume it.</summary>
    public TurnStatus? CloseAs { get; private init; }

    /// <summary>Whether the model goes on with a text that users have seen the beginning of.</summary>
    public bool GoesOn { get; set; }

    public TurnLog Log { get; }

    /// <summary>Cancelled when the turn shall end or goes elsewhere.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Cancelled when it has ended here.</summary>
    public CancellationToken AtEnd { get; }

    /// <summary>Whether somebody else goes on with it, so that this owner writes no end.</summary>
    public TurnLeave Leave => (TurnLeave)Volatile.Read(ref _leave);

    /// <summary>What keeps the turn from being stored.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Done when the turn has ended here, stored or not.</summary>
    public Task Completion { get; set; } = Task.CompletedTask;

    public TurnPassages Passages { get; } = new();

    public TurnCitations Citations { get; }

    /// <summary>What the model sees: context first, then what it and its tools said in this turn.</summary>
    public List<ChatMessage> Context { get; } = [];

    public ChatOptions Options { get; set; } = new();

    /// <summary>The tools that run here, by name. What the model asks for beyond them is the caller's, or unknown.</summary>
    public Dictionary<string, AIFunction> Functions { get; } = new(StringComparer.Ordinal);

    public IServiceProvider? Services { get; set; }

    public ModelPrices? Prices { get; set; }

    /// <summary>What it may use; null for anything.</summary>
    public TurnAllowance? Allowance { get; set; }

    public int Step { get; private set; }

    public AnswerWriter? Answer { get; private set; }

    /// <summary>Messages of the step that are not stored yet.</summary>
    public List<ChatMessage> Unstored { get; } = [];

    public TurnUsage? Usage { get; private set; }

    public TurnUsage? StepUsage { get; private set; }

    public string? Model { get; set; }

    /// <summary>The model has ended its step by itself.</summary>
    public bool StepIsWhole { get; set; }

    public TurnLease Lease => new(Id, FencingToken);

    private TurnOutput Blank =>
        new()
        {
            TurnId = Id,
            Principal = Request.Principal,
            ConversationId = Request.ConversationId,
            FencingToken = FencingToken,
        };

    public IChatClient WithinBudget(IChatClient model) => Allowance?.Around(model) ?? model;

    public void Emit(TurnEvent happened) => Log.Emit(happened);

    /// <summary>Ends the turn: its token is cancelled, and with it the model's call and the tools.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Nothing of it runs here any more.</summary>
    public void Ended() => _end.Cancel();

    /// <summary>Ends it here without an end: it is somebody else's.</summary>
    public void LeaveTo(TurnLeave leave)
    {
        Interlocked.CompareExchange(ref _leave, (int)leave, (int)TurnLeave.Not);
        _stop.Cancel();
    }

    /// <summary>The first events and step, which are stored with the turn itself.</summary>
    public (IReadOnlyList<TurnEvent> Events, TurnStep Step) Begin()
    {
        Answer = NextAnswer();
        _modelStep = NextStep(TurnStepKind.Model);
        return ([new TurnStarted(Id, Request.ConversationId, MessageId), new StepStarted(Step)], _modelStep);
    }

    /// <summary>Begins a model call; its step is stored before it.</summary>
    public async Task<AnswerWriter> BeginStepAsync()
    {
        if (_modelStep is not null && Answer is { IsUsed: false })
        {
            return Answer; // the first, which was stored with the turn
        }

        Answer = NextAnswer();
        _modelStep = NextStep(TurnStepKind.Model);
        await CommitAsync([_modelStep], new StepStarted(Step)).ConfigureAwait(false);
        return Answer;
    }

    /// <summary>The steps of the tools that are about to run, and that of the model call which has ended.</summary>
    public List<TurnStep> BeginTools(IEnumerable<FunctionCallContent> calls) =>
        [
            _modelStep! with
            {
                Status = TurnStepStatus.Finished,
            },
            .. calls.Select(call => NextStep(TurnStepKind.Tool) with { Name = call.Name, CallId = call.CallId }),
        ];

    public void Count(TurnUsage? usage)
    {
        Usage = TurnUsage.Add(Usage, usage);
        StepUsage = TurnUsage.Add(StepUsage, usage);
        _unstoredUsage = TurnUsage.Add(_unstoredUsage, usage);
    }

    /// <summary>The id of a stored message of this step, other than the answer's own.</summary>
    public string StepMessageId(string suffix) =>
        string.Create(CultureInfo.InvariantCulture, $"{MessageId}.{Step}{suffix}");

    /// <summary>Commits all that happened since the last time, steps and events that belong to it included.</summary>
    public Task CommitAsync(IReadOnlyList<TurnStep> steps, params IReadOnlyList<TurnEvent> events) =>
        CommitAsync(steps, end: null, events);

    /// <summary>Commits the rest, and the end.</summary>
    public Task EndAsync(TurnEnd end, params IReadOnlyList<TurnEvent> events) =>
        CommitAsync(
            _modelStep is { } step && StepIsWhole ? [step with { Status = TurnStepStatus.Finished }] : [],
            end,
            events
        );

    /// <summary>Commits that a tool has ended, while others are still running.</summary>
    public Task RecordAsync(TurnStep step) => Log.CommitAsync(Blank with { Steps = [step] });

    private async Task CommitAsync(IReadOnlyList<TurnStep> steps, TurnEnd? end, IReadOnlyList<TurnEvent> events)
    {
        var (messages, usage) = (Unstored.Count, _unstoredUsage);
        await Log.CommitAsync(
                Blank with
                {
                    Messages = [.. Unstored],
                    Steps = steps,
                    Model = Model,
                    Usage = usage,
                    Cost = usage is null ? null : Prices?.CostOf(Model, usage),
                    End = end,
                },
                events
            )
            .ConfigureAwait(false);
        Unstored.RemoveRange(0, messages);
        _unstoredUsage = null;
    }

    private AnswerWriter NextAnswer()
    {
        Step++;
        (StepUsage, StepIsWhole) = (null, false);
        return new(Step, Citations, Emit);
    }

    private TurnStep NextStep(TurnStepKind kind) =>
        new()
        {
            Number = ++_steps,
            Kind = kind,
            Status = TurnStepStatus.Started,
        };

    private void Fail(Exception exception)
    {
        if (exception is TurnLostException)
        {
            LeaveTo(TurnLeave.Lost);
        }
        else
        {
            Failure ??= exception;
            _stop.Cancel();
        }
    }
}

/// <summary>Whether a turn goes on elsewhere.</summary>
internal enum TurnLeave
{
    /// <summary>It is this owner's.</summary>
    Not,

    /// <summary>Somebody else has it.</summary>
    Lost,

    /// <summary>This owner gives it away.</summary>
    HandedOver,
}
