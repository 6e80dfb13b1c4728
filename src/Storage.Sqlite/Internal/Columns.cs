using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>How values stand in columns: times as Unix milliseconds, enums as lower-case words, lists and maps as JSON.</summary>
internal static class Columns
{
    public static string Text(DocumentState state) =>
        state switch
        {
            DocumentState.Pending => "pending",
            DocumentState.Published => "published",
            DocumentState.Failed => "failed",
            DocumentState.Quarantined => "quarantined",
            DocumentState.Skipped => "skipped",
            _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
        };

    public static DocumentState State(string text) => Enum.Parse<DocumentState>(text, ignoreCase: true);

    public static string Text(ErrorClass errorClass) =>
        errorClass switch
        {
            Slipway.ErrorClass.Transient => "transient",
            Slipway.ErrorClass.Permanent => "permanent",
            Slipway.ErrorClass.Configuration => "configuration",
            Slipway.ErrorClass.Authentication => "authentication",
            _ => throw new ArgumentOutOfRangeException(nameof(errorClass), errorClass, null),
        };

    public static ErrorClass ErrorClass(string text) => Enum.Parse<ErrorClass>(text, ignoreCase: true);

    public static string Json(IReadOnlyList<string> list) =>
        JsonSerializer.Serialize([.. list], ColumnsJsonContext.Default.StringArray);

    public static string Json(IReadOnlyDictionary<string, string> map) =>
        map.Count == 0
            ? "{}"
            : JsonSerializer.Serialize(
                new Dictionary<string, string>(map),
                ColumnsJsonContext.Default.DictionaryStringString
            );

    public static IReadOnlyList<string> List(string json) =>
        JsonSerializer.Deserialize(json, ColumnsJsonContext.Default.StringArray) ?? [];

    public static IReadOnlyDictionary<string, string> Map(string json) =>
        JsonSerializer.Deserialize(json, ColumnsJsonContext.Default.DictionaryStringString) ?? [];

    /// <summary>A duration in the grain that every engine keeps; ownership for no time is an error.</summary>
    public static long Milliseconds(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.FromMilliseconds(1));
        return (long)duration.TotalMilliseconds;
    }

    public static string? NullableString(this SqliteDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);

    public static long? NullableInt64(this SqliteDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public static DateTimeOffset? NullableTime(this SqliteDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));

    public static DateTimeOffset? NullableTicks(this SqliteDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : new DateTimeOffset(reader.GetInt64(column), TimeSpan.Zero);
}

[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class ColumnsJsonContext : JsonSerializerContext;
