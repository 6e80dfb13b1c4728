using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Conversations;

/// <summary>A message as text, the same in every store.</summary>
public static class StoredMessage
{
    /// <summary>Version of the JSON that <see cref="Write"/> gives: 1, a <see cref="ChatMessage"/> as Microsoft.Extensions.AI writes it.</summary>
    public const int Format = 1;

    /// <summary>The message as JSON. NUL and lone surrogates, which databases refuse, become U+FFFD.</summary>
    public static string Write(ChatMessage message) => Scrub(AgentJson.Write(message));

    /// <summary>Reads what <see cref="Write"/> gave; false when it is damaged or of an unknown format.</summary>
    public static bool TryRead(int format, string json, [NotNullWhen(true)] out ChatMessage? message)
    {
        message = null;
        try
        {
            message = format == Format ? AgentJson.Read<ChatMessage>(json) : null;
        }
        catch (Exception exception)
            when (exception is JsonException or NotSupportedException or InvalidOperationException)
        {
            // Damaged by hand, or content of a newer release: the caller goes on without the message.
        }

        return message is not null;
    }

    /// <summary>Replaces NUL and lone surrogates in JSON text, written as escapes or not.</summary>
    internal static string Scrub(string json)
    {
        StringBuilder? scrubbed = null;
        for (var i = 0; i < json.Length; )
        {
            var (value, length) = ReadUnit(json, i);
            var (next, nextLength) = char.IsHighSurrogate(value) ? ReadUnit(json, i + length) : default;
            if (char.IsHighSurrogate(value) && char.IsLowSurrogate(next))
            {
                scrubbed?.Append(json, i, length + nextLength);
                i += length + nextLength;
                continue;
            }

            if (value == '\0' || char.IsSurrogate(value))
            {
                scrubbed ??= new(json, 0, i, json.Length);
                scrubbed.Append('\uFFFD');
            }
            else
            {
                scrubbed?.Append(json, i, length);
            }

            i += length;
        }

        return scrubbed?.ToString() ?? json;
    }

    /// <summary>One UTF-16 unit of a JSON text and how many characters it takes: itself, a short escape or \uXXXX.</summary>
    private static (char Value, int Length) ReadUnit(string json, int at)
    {
        if (at >= json.Length || json[at] != '\\' || at + 1 >= json.Length)
        {
            return at < json.Length ? (json[at], 1) : (' ', 0);
        }

        return json[at + 1] == 'u' && at + 6 <= json.Length
            ? ((char)Convert.ToUInt16(json.Substring(at + 2, 4), 16), 6)
            : ('\\', 2);
    }
}
