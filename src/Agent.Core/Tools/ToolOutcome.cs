using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Tools;

/// <summary>What a tool gave back.</summary>
/// <param name="Result">As JSON, as it is stored and told: a search result keeps references only.</param>
/// <param name="Search">The result, when it is a search result: with its text.</param>
/// <param name="Error">What went wrong, for people and the model.</param>
internal sealed record ToolOutcome(JsonElement Result, SearchResult? Search = null, string? Error = null)
{
    public static ToolOutcome Failed(string error) => new(Json("Error: " + error), Error: error);

    public static ToolOutcome From(object? value)
    {
        var json = value switch
        {
            JsonElement element => element,
            SearchResult search => JsonSerializer.SerializeToElement(search, SlipwayJsonContext.Default.SearchResult),
            string text => ParseObject(text) ?? Json(text),
            null => Json("Done."),
            _ => AgentJson.ToElement(value),
        };
        return new(json, ReadSearch(json));
    }

    /// <summary>As a step keeps it: a search result keeps references only.</summary>
    public string Write() =>
        AgentJson.Write(
            new JsonObject
            {
                ["result"] = JsonNode.Parse((Search is null ? Result : References(Search)).GetRawText()),
                ["error"] = Error,
            }
        );

    /// <summary>Reads what <see cref="Write"/> gave; passages are without text.</summary>
    public static ToolOutcome Read(string? json)
    {
        try
        {
            var stored = json is null ? null : AgentJson.Read<JsonObject>(json);
            return stored is null
                ? Failed("The tool has ended, and what it gave back is not known any more.")
                : new(AgentJson.ToElement<JsonNode?>(stored["result"]), Error: (string?)stored["error"]);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return Failed("The tool has ended, and what it gave back cannot be read any more.");
        }
    }

    /// <summary>The same with its passages named for the turn; what is kept as <see cref="Result"/> loses their text.</summary>
    public ToolOutcome Register(TurnPassages passages)
    {
        if (Search is null)
        {
            return this;
        }

        var named = passages.Register(Search);
        return this with { Search = named, Result = References(named) };
    }

    /// <summary>As the model reads it.</summary>
    public FunctionResultContent ForModel(string callId) =>
        Search is null
            ? new(callId, Result.ValueKind == JsonValueKind.String ? Result.GetString() : Result)
            : new(callId, TurnPassages.Render(Search)) { RawRepresentation = Search };

    /// <summary>The search result in a tool's JSON, or null when it is something else.</summary>
    public static SearchResult? ReadSearch(JsonElement json)
    {
        if (
            json.ValueKind != JsonValueKind.Object
            || !json.TryGetProperty("kind", out var kind)
            || kind.ValueKind != JsonValueKind.String
            || kind.GetString() != SearchResult.KindName
        )
        {
            return null;
        }

        try
        {
            return json.Deserialize(SlipwayJsonContext.Default.SearchResult);
        }
        catch (JsonException)
        {
            return null; // names itself a search result and is not one: the model reads it as any other JSON
        }
    }

    private static JsonElement References(SearchResult search) =>
        JsonSerializer.SerializeToElement(
            search with
            {
                Passages = [.. search.Passages.Select(passage => passage with { Text = null })],
            },
            SlipwayJsonContext.Default.SearchResult
        );

    private static JsonElement? ParseObject(string text)
    {
        if (!text.Contains(SearchResult.KindName, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonElement Json(string text) => AgentJson.ToElement<string>(text);
}
