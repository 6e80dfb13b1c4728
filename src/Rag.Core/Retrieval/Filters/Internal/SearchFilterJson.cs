using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace Slipway.Rag.Retrieval.Filters.Internal;

/// <summary>The JSON form: an object whose members must all hold. Strict: an unknown or repeated member is an error that says where.</summary>
internal static class SearchFilterJson
{
    private const string Members = "and, or, not, path, source, mediaType, document, modified, published, metadata";

    public static bool TryParse(
        string json,
        [NotNullWhen(true)] out SearchFilter? filter,
        [NotNullWhen(false)] out string? error
    )
    {
        filter = null;
        if (json.Length > SearchFilter.MaxJsonLength)
        {
            error = $"The filter has {json.Length} characters; at most {SearchFilter.MaxJsonLength} are read.";
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return TryParse(document.RootElement, out filter, out error);
        }
        catch (JsonException exception)
        {
            error = $"The filter is no JSON: {exception.Message}";
            return false;
        }
    }

    public static bool TryParse(
        JsonElement json,
        [NotNullWhen(true)] out SearchFilter? filter,
        [NotNullWhen(false)] out string? error
    )
    {
        try
        {
            (filter, error) = (Filter(json, "filter"), null);
            return true;
        }
        catch (FormatException exception)
        {
            (filter, error) = (null, exception.Message);
            return false;
        }
    }

    public static void Write(Utf8JsonWriter writer, SearchFilter filter)
    {
        writer.WriteStartObject();
        switch (filter)
        {
            case AllFilter all:
                WriteAll(writer, "and", all.Filters);
                break;
            case AnyFilter any:
                WriteAll(writer, "or", any.Filters);
                break;
            case NotFilter not:
                writer.WritePropertyName("not");
                Write(writer, not.Filter);
                break;
            case PathFilter path:
                writer.WriteString("path", path.Path);
                break;
            case SourceFilter source:
                WriteTexts(writer, "source", source.Names);
                break;
            case MediaTypeFilter mediaType:
                WriteTexts(writer, "mediaType", mediaType.MediaTypes);
                break;
            case DocumentFilter document:
                WriteTexts(writer, "document", document.Ids);
                break;
            case ModifiedFilter modified:
                WriteRange(writer, "modified", modified.Range, WriteTime);
                break;
            case PublishedFilter published:
                WriteRange(writer, "published", published.Range, WriteTime);
                break;
            case MetadataFilter metadata:
                writer.WriteStartObject("metadata");
                WriteTexts(writer, metadata.Key, metadata.Values);
                writer.WriteEndObject();
                break;
            case MetadataNumberFilter number:
                writer.WriteStartObject("metadata");
                WriteRange(writer, number.Key, number.Range, (json, name, value) => json.WriteNumber(name, value));
                writer.WriteEndObject();
                break;
            case MetadataTimeFilter time:
                writer.WriteStartObject("metadata");
                WriteRange(writer, time.Key, time.Range, WriteTime);
                writer.WriteEndObject();
                break;
        }

        writer.WriteEndObject();
    }

    private static SearchFilter Filter(JsonElement json, string place, int depth = 1)
    {
        // Before the objects are made, so that reading stops as early as making would.
        if (depth > SearchFilter.MaxDepth)
        {
            throw Error(place, $"is more than {SearchFilter.MaxDepth} levels deep.");
        }

        var filters = Object(json, place, $"an object with one of: {Members}")
            .Select(member => Member(member.Name, member.Value, $"{place}.{member.Name}", depth))
            .ToList();
        return Join(filters, place);
    }

    private static SearchFilter Member(string name, JsonElement value, string place, int depth) =>
        name switch
        {
            "and" => Make(place, () => SearchFilter.All(Filters(value, place, depth))),
            "or" => Make(place, () => SearchFilter.Any(Filters(value, place, depth))),
            "not" => Make(place, () => SearchFilter.Not(Filter(value, place, depth + 1))),
            "path" => Make(place, () => SearchFilter.Path(Text(value, place))),
            "source" => Make(place, () => SearchFilter.Source(Texts(value, place))),
            "mediaType" => Make(place, () => SearchFilter.MediaType(Texts(value, place))),
            "document" => Make(place, () => SearchFilter.Document(Texts(value, place))),
            "modified" => Make(place, () => SearchFilter.Modified(Range(value, place, Time))),
            "published" => Make(place, () => SearchFilter.Published(Range(value, place, Time))),
            "metadata" => Join(
                [
                    .. Object(value, place, "an object by metadata key")
                        .Select(entry => Metadata(entry.Name, entry.Value, $"{place}.{entry.Name}")),
                ],
                place
            ),
            _ => throw Error(place, $"is unknown; there are: {Members}."),
        };

    private static SearchFilter Metadata(string key, JsonElement value, string place) =>
        value.ValueKind switch
        {
            JsonValueKind.Number when Number(value, place) is var number => Make(
                place,
                () => SearchFilter.MetadataNumber(key, new FilterRange<double> { AtLeast = number, AtMost = number })
            ),
            JsonValueKind.String or JsonValueKind.Array => Make(
                place,
                () => SearchFilter.Metadata(key, Texts(value, place))
            ),
            JsonValueKind.Object => value.EnumerateObject().Any(bound => bound.Value.ValueKind == JsonValueKind.String)
                ? Make(place, () => SearchFilter.MetadataTime(key, Range(value, place, Time)))
                : Make(place, () => SearchFilter.MetadataNumber(key, Range(value, place, Number))),
            _ => throw Error(
                place,
                "must be a string, an array of strings, a number, or a range such as {\"gte\": 2020} or {\"lt\": \"2026-01-01\"}."
            ),
        };

    private static List<SearchFilter> Filters(JsonElement json, string place, int depth)
    {
        if (json.ValueKind != JsonValueKind.Array)
        {
            throw Error(place, "must be an array of filters.");
        }

        return [.. json.EnumerateArray().Select((item, i) => Filter(item, $"{place}[{i}]", depth + 1))];
    }

    private static FilterRange<T> Range<T>(JsonElement json, string place, Func<JsonElement, string, T> read)
        where T : struct, IComparable<T>
    {
        var range = default(FilterRange<T>);
        foreach (var bound in Object(json, place, "a range: an object with gte, gt, lte, lt"))
        {
            var value = read(bound.Value, $"{place}.{bound.Name}");
            range = bound.Name switch
            {
                "gte" => range with { AtLeast = value },
                "gt" => range with { GreaterThan = value },
                "lte" => range with { AtMost = value },
                "lt" => range with { LessThan = value },
                _ => throw Error($"{place}.{bound.Name}", "is unknown; a range has gte, gt, lte, lt."),
            };
        }

        return range;
    }

    private static DateTimeOffset Time(JsonElement json, string place) =>
        json.ValueKind == JsonValueKind.String && MetadataEntry.ParseTime(Text(json, place)) is { } time
            ? time
            : throw Error(place, "must be a date or time such as \"2026-11-05\" or \"2026-11-05T13:00:00Z\".");

    private static double Number(JsonElement json, string place) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Error(place, "must be a finite number, or all bounds must be dates.");

    private static IReadOnlyList<string> Texts(JsonElement json, string place) =>
        json.ValueKind == JsonValueKind.Array
            ? [.. json.EnumerateArray().Select((item, i) => Text(item, $"{place}[{i}]"))]
            : [Text(json, place)];

    private static string Text(JsonElement json, string place)
    {
        if (json.ValueKind != JsonValueKind.String)
        {
            throw Error(place, "must be a string.");
        }

        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Error(place, "has half of a surrogate pair.");
        }
    }

    private static List<JsonProperty> Object(JsonElement json, string place, string expected)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw Error(place, $"must be {expected}.");
        }

        var members = json.EnumerateObject().ToList();
        if (members.Count == 0)
        {
            throw Error(place, $"is empty; it must be {expected}.");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in members)
        {
            if (!names.Add(Name(member, place)))
            {
                throw Error(place, $"has '{member.Name}' twice.");
            }
        }

        return members;
    }

    private static string Name(JsonProperty member, string place)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            throw Error(place, "has a name with half of a surrogate pair.");
        }
    }

    private static SearchFilter Join(List<SearchFilter> filters, string place) =>
        filters.Count == 1 ? filters[0] : Make(place, () => SearchFilter.All(filters));

    private static SearchFilter Make(string place, Func<SearchFilter> make)
    {
        try
        {
            return make();
        }
        catch (ArgumentException exception)
        {
            throw Error(place, $"is refused: {exception.Message}");
        }
    }

    private static FormatException Error(string place, string message) => new($"'{Shown(place)}' {message}");

    // Keys come from outside and may be long.
    private static string Shown(string place) => place.Length <= 200 ? place : place[..200] + "…";

    private static void WriteAll(Utf8JsonWriter writer, string name, IReadOnlyList<SearchFilter> filters)
    {
        writer.WriteStartArray(name);
        foreach (var filter in filters)
        {
            Write(writer, filter);
        }

        writer.WriteEndArray();
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IReadOnlyList<string> texts)
    {
        if (texts.Count == 1)
        {
            writer.WriteString(name, texts[0]);
            return;
        }

        writer.WriteStartArray(name);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    private static void WriteRange<T>(
        Utf8JsonWriter writer,
        string name,
        FilterRange<T> range,
        Action<Utf8JsonWriter, string, T> write
    )
        where T : struct, IComparable<T>
    {
        writer.WriteStartObject(name);
        Bound("gte", range.AtLeast);
        Bound("gt", range.GreaterThan);
        Bound("lte", range.AtMost);
        Bound("lt", range.LessThan);
        writer.WriteEndObject();

        void Bound(string bound, T? value)
        {
            if (value is { } given)
            {
                write(writer, bound, given);
            }
        }
    }

    private static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset time) =>
        writer.WriteString(
            name,
            time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture)
        );
}
