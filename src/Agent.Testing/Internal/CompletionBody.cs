using System.Text;
using System.Text.Json;

namespace Slipway.Agents.Testing.Internal;

/// <summary>A completion as one body: what a stream says in pieces, together.</summary>
internal sealed class CompletionBody(HttpAnswer answer, ScriptedRequest request, ScriptedReply reply, long created)
    : ICompletionForm
{
    private readonly List<ScriptedStep.Call> _calls = [];
    private StringBuilder? _content;
    private StringBuilder? _reasoning;
    private StringBuilder? _verbatim;
    private int _tokens;

    public void Begin() { }

    public void Delta(ScriptedStep.Delta delta)
    {
        _tokens++;
        var text = delta.IsReasoning ? _reasoning ??= new() : _content ??= new();
        text.Append(delta.Text);
    }

    public void Fragment(int index, ScriptedStep.Call call, int fragment)
    {
        _tokens++;
        if (fragment == 0)
        {
            _calls.Add(call);
        }
    }

    public void Verbatim(string text) => (_verbatim ??= new()).Append(text);

    public void Error(ScriptedStep.Error error) => Send(CompletionWire.Error(error.Message, error.Type, error.Code));

    public void BreakOff() => Send(Encoding.UTF8.GetBytes(_verbatim?.ToString() ?? ""));

    public void Finish() =>
        Send(_verbatim is null ? CompletionWire.Write(Completion) : Encoding.UTF8.GetBytes(_verbatim.ToString()));

    private void Completion(Utf8JsonWriter json)
    {
        CompletionWire.Head(json, "chat.completion", created, request, reply);
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        json.WriteStartObject("message");
        json.WriteString("role", "assistant");
        json.WriteString("content", _content?.ToString());
        if (_reasoning is not null)
        {
            json.WriteString("reasoning_content", _reasoning.ToString());
        }

        if (_calls.Count > 0)
        {
            Calls(json);
        }

        json.WriteEndObject();
        json.WriteString("finish_reason", CompletionWire.FinishReason(reply, _calls.Count > 0));
        json.WriteEndObject();
        json.WriteEndArray();
        CompletionWire.Usage(json, request, reply, _tokens);
    }

    private void Calls(Utf8JsonWriter json)
    {
        json.WriteStartArray("tool_calls");
        foreach (var call in _calls)
        {
            json.WriteStartObject();
            json.WriteString("id", call.Id);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", call.Name);
            json.WriteString("arguments", string.Concat(call.Fragments));
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void Send(byte[] body) => answer.WriteWhole(200, "application/json", [], body);
}
