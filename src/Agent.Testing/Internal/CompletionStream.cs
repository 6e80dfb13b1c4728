using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Slipway.Agents.Testing.Internal;

/// <summary>A completion as server-sent events, one for each token.</summary>
internal sealed class CompletionStream(HttpAnswer answer, ScriptedRequest request, ScriptedReply reply, long created)
    : ICompletionForm
{
    private readonly ArrayBufferWriter<byte> _event = new();
    private bool _hasRole;
    private bool _callsTools;
    private int _tokens;

    public void Begin()
    {
        if (!answer.HasBegun)
        {
            answer.BeginStream("text/event-stream; charset=utf-8");
        }
    }

    public void Delta(ScriptedStep.Delta delta) =>
        Choice(json => json.WriteString(delta.IsReasoning ? "reasoning_content" : "content", delta.Text));

    public void Fragment(int index, ScriptedStep.Call call, int fragment)
    {
        _callsTools = true;
        Choice(json =>
        {
            json.WriteStartArray("tool_calls");
            json.WriteStartObject();
            json.WriteNumber("index", index);
            if (fragment == 0)
            {
                json.WriteString("id", call.Id);
                json.WriteString("type", "function");
            }

            json.WriteStartObject("function");
            if (fragment == 0)
            {
                json.WriteString("name", call.Name);
            }

            json.WriteString("arguments", call.Fragments.ElementAtOrDefault(fragment) ?? "");
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        });
    }

    public void Verbatim(string text)
    {
        Begin();
        answer.Write(Encoding.UTF8.GetBytes(text));
    }

    public void Error(ScriptedStep.Error error)
    {
        Event(CompletionWire.Error(error.Message, error.Type, error.Code));
        answer.EndStream();
    }

    public void BreakOff()
    {
        Begin();
        answer.EndStream();
    }

    public void Finish()
    {
        var tokens = _tokens;
        Choice(null, CompletionWire.FinishReason(reply, _callsTools));
        if (request.WantsUsage)
        {
            Chunk(json =>
            {
                json.WriteStartArray("choices");
                json.WriteEndArray();
                CompletionWire.Usage(json, request, reply, tokens);
            });
        }

        // In one piece with the end of the body: a client that stops reading here has not left.
        Event("[DONE]"u8);
        answer.EndStream();
    }

    private void Choice(Action<Utf8JsonWriter>? delta, string? finishReason = null) =>
        Chunk(json =>
        {
            _tokens++;
            json.WriteStartArray("choices");
            json.WriteStartObject();
            json.WriteNumber("index", 0);
            json.WriteStartObject("delta");
            if (!_hasRole)
            {
                json.WriteString("role", "assistant");
                _hasRole = true;
            }

            delta?.Invoke(json);
            json.WriteEndObject();
            json.WriteString("finish_reason", finishReason);
            json.WriteEndObject();
            json.WriteEndArray();
            if (request.WantsUsage)
            {
                json.WriteNull("usage"); // the figures are in a chunk of their own, the last
            }
        });

    private void Chunk(Action<Utf8JsonWriter> members) =>
        Event(
            CompletionWire.Write(json =>
            {
                CompletionWire.Head(json, "chat.completion.chunk", created, request, reply);
                members(json);
            })
        );

    private void Event(ReadOnlySpan<byte> data)
    {
        Begin();
        _event.ResetWrittenCount();
        _event.Write("data: "u8);
        _event.Write(data);
        _event.Write("\n\n"u8);
        answer.Write(_event.WrittenSpan);
    }
}
