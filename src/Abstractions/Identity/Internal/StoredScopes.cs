using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway.Identity.Internal;

/// <summary>Scopes as they stand in a column: a JSON array.</summary>
internal static class StoredScopes
{
    public static string Write(IReadOnlyList<string> scopes) =>
        JsonSerializer.Serialize([.. scopes], StoredScopesJsonContext.Default.StringArray);

    /// <summary>What cannot be read allows nothing.</summary>
    public static IReadOnlyList<string> Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, StoredScopesJsonContext.Default.StringArray) ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}

[JsonSerializable(typeof(string[]))]
internal sealed partial class StoredScopesJsonContext : JsonSerializerContext;
