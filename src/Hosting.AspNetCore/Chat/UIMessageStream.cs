using Slipway.Agents.Turns;
using Slipway.Rag.Reading;
using static Slipway.Hosting.Chat.UIMessageChunk;
using TextDelta = Slipway.Agents.Turns.TextDelta;

namespace Slipway.Hosting.Chat;

/// <summary>Turn events as a UI message stream. One instance a turn: it knows which block is open.</summary>
internal sealed class UIMessageStream
{
    private readonly List<UIMessageChunk> _chunks = [];
    private (string Id, bool IsReasoning)? _open;
    private bool _inStep;

    /// <summary>The chunks of one event; valid until the next call.</summary>
    public IReadOnlyList<UIMessageChunk> Project(TurnEvent turnEvent)
    {
        _chunks.Clear();
        switch (turnEvent)
        {
            case TurnStarted started:
                Add(new Start(started.MessageId, new StartMetadata(started.TurnId, started.ConversationId)));
                break;
            case StepStarted:
                Add(new StartStep());
                _inStep = true;
                break;
            case TextDelta text:
                Open(text.BlockId, isReasoning: false);
                Add(new UIMessageChunk.TextDelta(text.BlockId, text.Text));
                break;
            case Agents.Turns.ReasoningDelta reasoning:
                Open(reasoning.BlockId, isReasoning: true);
                Add(new UIMessageChunk.ReasoningDelta(reasoning.BlockId, reasoning.Text));
                break;
            case ToolCallStarted call:
                Close();
                Add(new ToolInputAvailable(call.CallId, call.Name, call.Arguments));
                break;
            case ToolCallFinished { Error: { } error } call:
                Add(new ToolOutputError(call.CallId, error));
                break;
            case ToolCallFinished call:
                Add(new ToolOutputAvailable(call.CallId, call.Result));
                break;
            case CitationAdded { Citation: var citation }:
                Add(Source(citation));
                break;
            case StepFinished:
                FinishStep();
                break;
            case TurnFailed failed:
                FinishStep();
                Add(new Error(failed.Message));
                break;
            case TurnFinished finished:
                FinishStep();
                if (finished.Status == TurnStatus.Cancelled)
                {
                    Add(new Abort("The turn was stopped."));
                }

                Add(new Finish(Reason(finished.FinishReason), new FinishMetadata(finished.Status, finished.Usage)));
                break;
        }

        return _chunks;
    }

    private void Add(UIMessageChunk chunk) => _chunks.Add(chunk);

    private void Open(string id, bool isReasoning)
    {
        if (_open == (id, isReasoning))
        {
            return;
        }

        Close();
        _open = (id, isReasoning);
        Add(isReasoning ? new ReasoningStart(id) : new TextStart(id));
    }

    private void Close()
    {
        if (_open is var (id, isReasoning))
        {
            _open = null;
            Add(isReasoning ? new ReasoningEnd(id) : new TextEnd(id));
        }
    }

    private void FinishStep()
    {
        Close();
        if (_inStep)
        {
            _inStep = false;
            Add(new FinishStep());
        }
    }

    public static SourceDocument Source(Citation citation)
    {
        var place = citation.Passage;
        return new SourceDocument(
            $"{place.DocumentId}/{place.Version}/{place.Start}-{place.End}",
            MediaTypes.FromName(citation.Name) ?? MediaTypes.Binary,
            citation.Title,
            citation.Name[(citation.Name.LastIndexOf('/') + 1)..],
            new CitationMetadata(CitedPassage.From(citation))
        );
    }

    /// <summary>The protocol's own words for why a model stopped.</summary>
    private static string Reason(string reason) =>
        reason switch
        {
            "stop" or "length" or "error" => reason,
            "content_filter" => "content-filter",
            "tool_calls" => "tool-calls",
            _ => "other",
        };
}
