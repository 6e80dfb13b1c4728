using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway.Rag.Retrieval.Filters.Internal;

/// <summary>The JSON form inside of larger JSON.</summary>
internal sealed class SearchFilterConverter : JsonConverter<SearchFilter>
{
    public override bool CanConvert(Type typeToConvert) => typeof(SearchFilter).IsAssignableFrom(typeToConvert);

    public override SearchFilter Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return SearchFilterJson.TryParse(document.RootElement, out var filter, out var error)
            ? filter
            : throw new JsonException(error);
    }

    public override void Write(Utf8JsonWriter writer, SearchFilter value, JsonSerializerOptions options) =>
        SearchFilterJson.Write(writer, value);
}
