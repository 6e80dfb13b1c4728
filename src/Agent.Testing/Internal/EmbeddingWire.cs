using System.Runtime.InteropServices;
using System.Text.Json;

namespace Slipway.Agents.Testing.Internal;

/// <summary>The JSON of an embeddings answer.</summary>
internal static class EmbeddingWire
{
    public static byte[] List(ScriptedRequest request, ScriptedReply reply, Func<string, float[]> vector) =>
        CompletionWire.Write(json =>
        {
            var asBase64 =
                request.Property("encoding_format") is { ValueKind: JsonValueKind.String } format
                && format.ValueEquals("base64");
            json.WriteString("object", "list");
            json.WriteString("model", CompletionWire.Model(request, reply));
            json.WriteStartArray("data");
            var index = 0;
            foreach (var input in request.Inputs)
            {
                json.WriteStartObject();
                json.WriteString("object", "embedding");
                json.WriteNumber("index", index++);
                var values = vector(input.ValueKind == JsonValueKind.String ? input.GetString()! : input.GetRawText());
                if (asBase64)
                {
                    // Little-endian floats, as the protocol has them and as every platform of .NET stores them.
                    json.WriteBase64String("embedding", MemoryMarshal.AsBytes<float>(values));
                }
                else
                {
                    json.WriteStartArray("embedding");
                    foreach (var value in values)
                    {
                        json.WriteNumberValue(value);
                    }

                    json.WriteEndArray();
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            var tokens = reply.Usage?.InputTokenCount ?? CompletionWire.InputTokens(request);
            json.WriteStartObject("usage");
            json.WriteNumber("prompt_tokens", tokens);
            json.WriteNumber("total_tokens", tokens);
            json.WriteEndObject();
        });
}
