using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;
using Slipway.Hosting.Problems;

namespace Slipway.Hosting.Completions;

/// <summary>A completion request as a stateless turn: the whole history is new, nothing of it is kept.</summary>
internal static class CompletionTurn
{
    /// <exception cref="ProblemException">The request cannot be taken.</exception>
    public static TurnRequest From(CompletionRequest request, Principal principal)
    {
        if (request.Messages is not { Count: > 0 } messages)
        {
            throw Problem.Invalid("'messages' is missing or empty.").ToException();
        }

        if (request.N is not (null or 1))
        {
            throw Problem.Invalid($"'n' is {request.N}; one choice a request is made.").ToException();
        }

        return new TurnRequest
        {
            Principal = principal,
            Messages = [.. messages.Select(Message)],
            Options = new ChatOptions
            {
                Temperature = request.Temperature,
                TopP = request.TopP,
                MaxOutputTokens = request.MaxCompletionTokens ?? request.MaxTokens,
                FrequencyPenalty = request.FrequencyPenalty,
                PresencePenalty = request.PresencePenalty,
                Seed = request.Seed,
                StopSequences = Stop(request.Stop),
                ResponseFormat = Format(request.ResponseFormat),
                Tools = request.Tools is { Count: > 0 } tools ? [.. tools.Select(Tool)] : null,
                ToolMode = ToolMode(request.ToolChoice),
                AllowMultipleToolCalls = request.ParallelToolCalls,
            },
        };
    }

    private static ChatMessage Message(CompletionMessage message, int index)
    {
        var contents = Contents(message.Content, index);
        switch (message.Role)
        {
            case "system" or "developer":
                return new ChatMessage(ChatRole.System, contents);
            case "user":
                return new ChatMessage(ChatRole.User, contents) { AuthorName = message.Name };
            case "assistant":
                foreach (var call in message.ToolCalls ?? [])
                {
                    contents.Add(Call(call, index));
                }

                return new ChatMessage(ChatRole.Assistant, contents) { AuthorName = message.Name };
            case "tool":
                var result = string.Concat(contents.OfType<TextContent>().Select(content => content.Text));
                var id = message.ToolCallId ?? throw Invalid(index, "tool_call_id", "is missing");
                return new ChatMessage(ChatRole.Tool, [new FunctionResultContent(id, result)]);
            default:
                throw Invalid(
                    index,
                    "role",
                    $"is '{message.Role}'; it may be system, developer, user, assistant or tool"
                );
        }
    }

    private static List<AIContent> Contents(JsonElement? content, int index) =>
        content switch
        {
            null or { ValueKind: JsonValueKind.Null } => [],
            { ValueKind: JsonValueKind.String } text => [new TextContent(text.GetString())],
            { ValueKind: JsonValueKind.Array } parts => [.. parts.EnumerateArray().Select(part => Part(part, index))],
            _ => throw Invalid(index, "content", "is neither text nor a list of parts"),
        };

    private static AIContent Part(JsonElement part, int index)
    {
        var type = Text(part, "type");
        return type switch
        {
            "text" => new TextContent(Text(part, "text")),
            "refusal" => new TextContent(Text(part, "refusal")),
            "image_url" when part.TryGetProperty("image_url", out var image) && Text(image, "url") is { } url => Image(
                url,
                index
            ),
            _ => throw Invalid(index, "content", $"has a part of type '{type}'; text and image_url are accepted"),
        };
    }

    private static AIContent Image(string url, int index)
    {
        if (url.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
        {
            try
            {
                return new DataContent(url);
            }
            catch (Exception exception) when (exception is ArgumentException or FormatException)
            {
                throw Invalid(index, "content", "has an image whose data URL cannot be read");
            }
        }

        return Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? new UriContent(uri, "image/*")
            : throw Invalid(index, "content", "has an image whose URL is neither http, https nor data");
    }

    private static FunctionCallContent Call(CompletionToolCall call, int index)
    {
        if (call is not { Id: { } id, Function: { Name: { } name } function })
        {
            throw Invalid(index, "tool_calls", "has a call without id or function name");
        }

        try
        {
            using var json = JsonDocument.Parse(
                string.IsNullOrWhiteSpace(function.Arguments) ? "{}" : function.Arguments
            );
            return new FunctionCallContent(
                id,
                name,
                json.RootElement.EnumerateObject().ToDictionary(item => item.Name, object? (item) => item.Value.Clone())
            );
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw Invalid(index, "tool_calls", "has arguments that are not a JSON object");
        }
    }

    private static AITool Tool(CompletionTool tool)
    {
        if (tool is not { Type: "function", Function: { Name: { Length: > 0 } name } function })
        {
            throw Problem.Invalid("'tools' has one that is not a function with a name.").ToException();
        }

        return AIFunctionFactory.CreateDeclaration(name, function.Description, function.Parameters ?? NoParameters);
    }

    private static readonly JsonElement NoParameters = JsonElement.Parse("""{"type":"object","properties":{}}""");

    private static List<string>? Stop(JsonElement? stop) =>
        stop switch
        {
            null or { ValueKind: JsonValueKind.Null } => null,
            { ValueKind: JsonValueKind.String } one => [one.GetString()!],
            { ValueKind: JsonValueKind.Array } several
                when several.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) =>
            [
                .. several.EnumerateArray().Select(item => item.GetString()!),
            ],
            _ => throw Problem.Invalid("'stop' is neither text nor a list of texts.").ToException(),
        };

    private static ChatToolMode? ToolMode(JsonElement? choice) =>
        choice switch
        {
            null or { ValueKind: JsonValueKind.Null } => null,
            { ValueKind: JsonValueKind.String } word => word.GetString() switch
            {
                "none" => ChatToolMode.None,
                "required" => ChatToolMode.RequireAny,
                "auto" => ChatToolMode.Auto,
                var other => throw Problem
                    .Invalid($"'tool_choice' is '{other}'; it may be none, auto or required.")
                    .ToException(),
            },
            { ValueKind: JsonValueKind.Object } named
                when named.TryGetProperty("function", out var function) && Text(function, "name") is { } name =>
                ChatToolMode.RequireSpecific(name),
            _ => throw Problem.Invalid("'tool_choice' names no function.").ToException(),
        };

    private static ChatResponseFormat? Format(ResponseFormat? format) =>
        format?.Type switch
        {
            null => null,
            "text" => ChatResponseFormat.Text,
            "json_object" => ChatResponseFormat.Json,
            "json_schema" when format.JsonSchema is { Schema: { } schema } named => ChatResponseFormat.ForJsonSchema(
                schema,
                named.Name,
                named.Description
            ),
            var other => throw Problem
                .Invalid($"'response_format' is '{other}'; it may be text, json_object or json_schema.")
                .ToException(),
        };

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static ProblemException Invalid(int index, string field, string what) =>
        Problem.Invalid($"'messages[{index}].{field}' {what}.").ToException();
}
