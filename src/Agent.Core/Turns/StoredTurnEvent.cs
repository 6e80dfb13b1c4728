using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Agents.Conversations;

namespace Slipway.Agents.Turns;

/// <summary>A turn's event as text, the same in every store.</summary>
public static class StoredTurnEvent
{
    private static readonly TurnEventJsonContext Json = new(
        new(JsonSerializerDefaults.Web)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // it is read by us alone
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Converters = { new JsonStringEnumConverter<ErrorClass>() },
        }
    );

    /// <summary>
    /// The event as JSON. The log holds references to documents, not copies of them: a citation loses its quote. NUL and lone surrogates,
    /// which databases refuse, become U+FFFD.
    /// </summary>
    public static string Write(TurnEvent happened) =>
        StoredMessage.Scrub(
            JsonSerializer.Serialize(
                happened is CitationAdded { Citation: var citation }
                    ? new CitationAdded(citation with { Quote = null })
                    : happened,
                Json.TurnEvent
            )
        );

    /// <summary>Reads what <see cref="Write"/> gave; null when it is damaged, or an event of a newer release.</summary>
    public static TurnEvent? Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Json.TurnEvent);
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(TurnEvent))]
[JsonSerializable(typeof(Internal.StoredTurnRequest))]
internal sealed partial class TurnEventJsonContext : JsonSerializerContext;
