using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;

namespace Slipway.Agents;

/// <summary>JSON of messages and tool results: as Microsoft.Extensions.AI writes it, in one line.</summary>
internal static class AgentJson
{
    private static readonly JsonSerializerOptions Options = Compact();

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Info<T>());

    public static T? Read<T>(string json) => JsonSerializer.Deserialize(json, Info<T>());

    public static JsonElement ToElement<T>(T value) => JsonSerializer.SerializeToElement(value, Info<T>());

    /// <summary>A value whose type only it knows.</summary>
    public static JsonElement ToElement(object value) =>
        JsonSerializer.SerializeToElement(value, Options.GetTypeInfo(value.GetType()));

    private static JsonTypeInfo<T> Info<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    private static JsonSerializerOptions Compact()
    {
        JsonSerializerOptions options = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };
        options.MakeReadOnly();
        return options;
    }
}
