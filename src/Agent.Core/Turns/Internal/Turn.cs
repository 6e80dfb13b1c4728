using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;

namespace Slipway.Agents.Turns.Internal;

/// <summary>One turn while it runs.</summary>
internal sealed class Turn
{
    private readonly Channel<TurnEvent> _events = Channel.CreateUnbounded<TurnEvent>(new() { SingleReader = true });
    private TurnUsage? _unstoredUsage;

    public Turn(TurnRequest request, IPassageReader? passageReader)
    {
        Request = request;
        Citations = new(Passages, passageReader, request.Principal);
    }

    public TurnRequest Request { get; }

    public string Id { get; } = Guid.CreateVersion7().ToString("N");

    /// <summary>The answer's id: the last assistant message of the turn is stored under it.</summary>
    public string MessageId { get; } = Guid.CreateVersion7().ToString("N");

    public TurnPassages Passages { get; } = new();

    public TurnCitations Citations { get; }

    /// <summary>What the model sees: context first, then what it and its tools said in this turn.</summary>
    public List<ChatMessage> Context { get; } = [];

    public ChatOptions Options { get; set; } = new();

    /// <summary>The tools that run here, by name. What the model asks for beyond them is the caller's, or unknown.</summary>
    public Dictionary<string, AIFunction> Functions { get; } = new(StringComparer.Ordinal);

    public IServiceProvider? Services { get; set; }

    public int Step { get; private set; }

    public AnswerWriter? Answer { get; private set; }

    /// <summary>Messages of the step that are not stored yet.</summary>
    public List<ChatMessage> Unstored { get; } = [];

    public TurnUsage? Usage { get; private set; }

    public TurnUsage? StepUsage { get; private set; }

    public string? Model { get; set; }

    public ChannelReader<TurnEvent> Events => _events.Reader;

    public void Emit(TurnEvent happened) => _events.Writer.TryWrite(happened);

    public void EndEvents() => _events.Writer.TryComplete();

    public AnswerWriter BeginStep()
    {
        Step++;
        StepUsage = null;
        Answer = new(Step, Citations, Emit);
        Emit(new StepStarted(Step));
        return Answer;
    }

    public void Count(TurnUsage? usage)
    {
        Usage = TurnUsage.Add(Usage, usage);
        StepUsage = TurnUsage.Add(StepUsage, usage);
        _unstoredUsage = TurnUsage.Add(_unstoredUsage, usage);
    }

    /// <summary>The id of a stored message of this step, other than the answer's own.</summary>
    public string StepMessageId(string suffix) =>
        string.Create(CultureInfo.InvariantCulture, $"{MessageId}.{Step}{suffix}");

    /// <summary>What was produced since this was asked last.</summary>
    public TurnOutput TakeOutput()
    {
        TurnOutput output = new()
        {
            TurnId = Id,
            Principal = Request.Principal,
            ConversationId = Request.ConversationId,
            Messages = [.. Unstored],
            Model = Model,
            Usage = _unstoredUsage,
        };
        Unstored.Clear();
        _unstoredUsage = null;
        return output;
    }
}
