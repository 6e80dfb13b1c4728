using System.Text.Json;
using Slipway.Agents.Testing.Internal;

namespace Slipway.Agents.Testing;

/// <summary>What a <see cref="ScriptedModelServer"/> was asked, and how its answer ended.</summary>
/// <remarks>
/// Safe for concurrent use. Nothing but <see cref="ApiKey"/> holds a secret, so that a failed assertion prints none.
/// </remarks>
public sealed class ScriptedRequest
{
    private const string Hidden = "***";

    private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ScriptedOutcome> _outcome = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );

    internal ScriptedRequest(int number, HttpRequestHead head, byte[] body, long received)
    {
        Number = number;
        Method = head.Method;
        Path = head.Target.Split('?')[0];
        Received = received;
        BodyLength = body.Length;
        Headers = head.Headers.ToDictionary(
            header => header.Key,
            header => IsSecret(header.Key) ? Hidden : header.Value,
            StringComparer.OrdinalIgnoreCase
        );
        ApiKey =
            head.Header("Authorization") is var authorization
            && authorization.StartsWith("Bearer ", StringComparison.Ordinal)
                ? authorization["Bearer ".Length..]
                : null;
        try
        {
            Body = JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            // Recorded as it came: without a body that could be read.
        }
    }

    /// <summary>Its place in the order of arrival, from 0.</summary>
    public int Number { get; }

    /// <summary>The HTTP method, such as <c>POST</c>.</summary>
    public string Method { get; }

    /// <summary>The path without the query, such as <c>/v1/chat/completions</c>.</summary>
    public string Path { get; }

    /// <summary>
    /// The headers by name, in any case. The values of those that hold keys or cookies are <c>***</c>.
    /// </summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>The key that was sent as <c>Authorization: Bearer</c>; null when there was none.</summary>
    public string? ApiKey { get; }

    /// <summary>The body; <see cref="JsonValueKind.Undefined"/> when there was none or it was no JSON.</summary>
    public JsonElement Body { get; }

    /// <summary>The model that was asked for; null when none was named.</summary>
    public string? Model => Property("model") is { ValueKind: JsonValueKind.String } model ? model.GetString() : null;

    /// <summary>Whether a stream was asked for.</summary>
    public bool IsStreaming => Property("stream").ValueKind == JsonValueKind.True;

    /// <summary>The text of the last message of the user; empty when there is none.</summary>
    public string LastUserText =>
        Items("messages")
            .Where(message =>
                Property(message, "role") is { ValueKind: JsonValueKind.String } role && role.ValueEquals("user")
            )
            .Select(message => Text(Property(message, "content")))
            .LastOrDefault("");

    /// <summary>Done when the script has reached a stall of this answer.</summary>
    public Task Stalled => _stalled.Task;

    /// <summary>How the answer ended, once it has.</summary>
    public Task<ScriptedOutcome> Outcome => _outcome.Task;

    internal bool WantsUsage => Property(Property("stream_options"), "include_usage").ValueKind == JsonValueKind.True;

    /// <summary>When it arrived, as a timestamp of the server's clock.</summary>
    internal long Received { get; }

    internal int BodyLength { get; }

    internal int? Dimensions =>
        Property("dimensions") is { ValueKind: JsonValueKind.Number } number
        && number.TryGetInt32(out var dimensions)
        && dimensions is > 0 and <= 65_536
            ? dimensions
            : null;

    internal IEnumerable<JsonElement> Inputs =>
        Property("input") is { ValueKind: not (JsonValueKind.Array or JsonValueKind.Undefined) } single
            ? [single]
            : Items("input");

    /// <summary>Method and path.</summary>
    public override string ToString() => $"{Method} {Path}";

    internal JsonElement Property(string name) => Property(Body, name);

    internal void Stall() => _stalled.TrySetResult();

    internal void End(ScriptedOutcome outcome) => _outcome.TrySetResult(outcome);

    private IEnumerable<JsonElement> Items(string name) =>
        Property(name) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    private static JsonElement Property(JsonElement item, string name) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) ? value : default;

    private static string Text(JsonElement content) =>
        content.ValueKind switch
        {
            JsonValueKind.String => content.GetString()!,
            JsonValueKind.Array => string.Concat(content.EnumerateArray().Select(part => Text(Property(part, "text")))),
            _ => "",
        };

    private static bool IsSecret(string header) =>
        header.Contains("authorization", StringComparison.OrdinalIgnoreCase)
        || header.Contains("key", StringComparison.OrdinalIgnoreCase)
        || header.Contains("token", StringComparison.OrdinalIgnoreCase)
        || header.Contains("cookie", StringComparison.OrdinalIgnoreCase);
}
