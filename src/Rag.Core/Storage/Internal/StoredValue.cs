using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Storage.Internal;

/// <summary>How values stand in every store: enums as lower-case words, lists and maps as JSON.</summary>
internal static class StoredValue
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

    /// <summary>A duration in the grain that every engine keeps; ownership for no time is an error.</summary>
    public static long Milliseconds(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.FromMilliseconds(1));
        return (long)duration.TotalMilliseconds;
    }

    public static string Json(IReadOnlyList<string> list) =>
        JsonSerializer.Serialize([.. list], StoredValueJsonContext.Default.StringArray);

    public static string Json(IReadOnlyDictionary<string, string> map) =>
        map.Count == 0
            ? "{}"
            : JsonSerializer.Serialize(
                new Dictionary<string, string>(map),
                StoredValueJsonContext.Default.DictionaryStringString
            );

    /// <summary>A row of a table as an object, its columns in the table's order; a row that is too short ends in nulls.</summary>
    public static string Json(DataTable table, int row)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            for (var column = 0; column < table.Columns.Count; column++)
            {
                json.WriteString(table.Columns[column], table.Rows[row].ElementAtOrDefault(column));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static IReadOnlyList<string> List(string json) =>
        JsonSerializer.Deserialize(json, StoredValueJsonContext.Default.StringArray) ?? [];

    public static IReadOnlyDictionary<string, string> Map(string json) =>
        JsonSerializer.Deserialize(json, StoredValueJsonContext.Default.DictionaryStringString) ?? [];
}

[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class StoredValueJsonContext : JsonSerializerContext;
