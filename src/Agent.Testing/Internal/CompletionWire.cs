using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Slipway.Agents.Testing.Internal;

/// <summary>The JSON that completions share with all else that the server says.</summary>
internal static class CompletionWire
{
    // Models send letters of all languages as they are, not as escapes.
    public static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One object, whose members the caller writes.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> members)
    {
        ArrayBufferWriter<byte> bytes = new();
        using Utf8JsonWriter json = new(bytes, Format);
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
        json.Flush();
        return bytes.WrittenSpan.ToArray();
    }

    public static byte[] Error(string message, string type, string? code) =>
        Write(json =>
        {
            json.WriteStartObject("error");
            json.WriteString("message", message);
            json.WriteString("type", type);
            json.WriteNull("param");
            json.WriteString("code", code);
            json.WriteEndObject();
        });

    public static byte[] Models(IEnumerable<string> ids) =>
        Write(json =>
        {
            json.WriteString("object", "list");
            json.WriteStartArray("data");
            foreach (var id in ids)
            {
                json.WriteStartObject();
                json.WriteString("id", id);
                json.WriteString("object", "model");
                json.WriteNumber("created", 0);
                json.WriteString("owned_by", "script");
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });

    /// <summary>What a completion, and each chunk of one, begins with.</summary>
    public static void Head(
        Utf8JsonWriter json,
        string kind,
        long created,
        ScriptedRequest request,
        ScriptedReply reply
    )
    {
        json.WriteString("id", $"chatcmpl-{request.Number}");
        json.WriteString("object", kind);
        json.WriteNumber("created", created);
        json.WriteString("model", Model(request, reply));
    }

    public static void Usage(Utf8JsonWriter json, ScriptedRequest request, ScriptedReply reply, int steps)
    {
        var (input, output) = (
            reply.Usage?.InputTokenCount ?? InputTokens(request),
            reply.Usage?.OutputTokenCount ?? steps
        );
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", input);
        json.WriteNumber("completion_tokens", output);
        json.WriteNumber("total_tokens", reply.Usage?.TotalTokenCount ?? input + output);
        if (reply.Usage?.CachedInputTokenCount is { } cached)
        {
            json.WriteStartObject("prompt_tokens_details");
            json.WriteNumber("cached_tokens", cached);
            json.WriteEndObject();
        }

        if (reply.Usage?.ReasoningTokenCount is { } reasoning)
        {
            json.WriteStartObject("completion_tokens_details");
            json.WriteNumber("reasoning_tokens", reasoning);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    public static string Model(ScriptedRequest request, ScriptedReply reply) =>
        reply.Model ?? request.Model ?? "scripted";

    public static long InputTokens(ScriptedRequest request) => (request.BodyLength + 3) / 4;

    public static string FinishReason(ScriptedReply reply, bool callsTools) =>
        reply.FinishReason?.Value ?? (callsTools ? "tool_calls" : "stop");
}
