using System.Globalization;
using System.Text;
using Slipway.Agents.Testing.Internal;

namespace Slipway.Agents.Testing;

/// <content>What goes wrong with models, and between them and their clients.</content>
public sealed partial record ScriptedReply
{
    /// <summary>A page of HTML with status 200, as proxies and wrong addresses give it.</summary>
    public static ScriptedReply Html { get; } =
        Raw("<!doctype html><html><body>Sign in to the network</body></html>", "text/html; charset=utf-8");

    /// <summary>Status 200 and a body that says it is JSON and is not.</summary>
    public static ScriptedReply NotJson { get; } = Raw("""{"choices": [{"message": {"cont""", "application/json");

    /// <summary>An event stream whose first event is not JSON.</summary>
    public static ScriptedReply BrokenEvents { get; } =
        Raw("data: {\"choices\": [{\"del\n\ndata: [DONE]\n\n", "text/event-stream");

    /// <summary>An event stream without events.</summary>
    public static ScriptedReply EmptyStream { get; } = Raw("", "text/event-stream");

    /// <summary>Refuses with an error object, as OpenAI does.</summary>
    /// <param name="status">The status, such as 401, 429, 500 or 503.</param>
    /// <param name="message">The error's message; null for one that names the status.</param>
    /// <param name="code">The error's code, such as <c>insufficient_quota</c>; null for none.</param>
    /// <param name="retryAfter">The <c>Retry-After</c> header in whole seconds; null for none.</param>
    /// <param name="retryAt">The <c>Retry-After</c> header as a date, to the second; null for none.</param>
    /// <exception cref="ArgumentException">Both kinds of <c>Retry-After</c> are given.</exception>
    public static ScriptedReply Refuse(
        int status,
        string? message = null,
        string? code = null,
        TimeSpan? retryAfter = null,
        DateTimeOffset? retryAt = null
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        var wait = (retryAfter, retryAt) switch
        {
            (null, null) => null,
            ({ } time, null) => ((long)time.TotalSeconds).ToString(CultureInfo.InvariantCulture),
            (null, { } date) => date.ToString("R", CultureInfo.InvariantCulture),
            _ => throw new ArgumentException("Retry-After is a time or a date, not both.", nameof(retryAt)),
        };
        var type = status switch
        {
            401 or 403 => "authentication_error",
            429 => "rate_limit_error",
            >= 500 => "server_error",
            _ => "invalid_request_error",
        };
        message ??= $"The script refuses with {status.ToString(CultureInfo.InvariantCulture)}.";
        return Json(
            status,
            (_, _) => CompletionWire.Error(message, type, code),
            wait is null ? [] : [("Retry-After", wait)]
        );
    }

    /// <summary>Answers with anything.</summary>
    /// <param name="body">The whole body.</param>
    /// <param name="contentType">Its type.</param>
    /// <param name="status">The status; 200 by default.</param>
    public static ScriptedReply Raw(string body, string contentType, int status = 200)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        return new(new ScriptedStep.Whole(status, contentType, [], (_, _) => bytes));
    }

    /// <summary>Puts a text into the stream as it is; it is the whole body of an answer that is no stream.</summary>
    /// <param name="text">The text, such as <c>data: {"cho</c> with two line ends, or <c>: comment</c>.</param>
    public static ScriptedReply Verbatim(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(new ScriptedStep.Verbatim(text));
    }

    /// <summary>An error object inside the stream, with which it ends; without a stream, one with status 200.</summary>
    /// <param name="message">The error's message.</param>
    /// <param name="type">The error's type.</param>
    /// <param name="code">The error's code; null for none.</param>
    public static ScriptedReply Fail(string message, string type = "server_error", string? code = null) =>
        new(new ScriptedStep.Error(message, type, code));

    /// <summary>Cuts the connection. What was said before has reached the client's machine.</summary>
    /// <param name="withReset">
    /// Whether the connection is reset instead of closed. Where the client's machine is a Windows one, a reset takes
    /// what it has not read yet.
    /// </param>
    public static ScriptedReply Cut(bool withReset = false) => new(new ScriptedStep.Cut(withReset));

    /// <summary>Ends the stream in good order, but without finish reason, usage and <c>[DONE]</c>.</summary>
    public static ScriptedReply BreakOff() => new(new ScriptedStep.BreakOff());

    /// <summary>
    /// The script itself failed: whoever wrote it reads this in the client's error, where the test fails.
    /// </summary>
    internal static ScriptedReply Failed(Exception exception) =>
        Refuse(500, $"The script failed. {exception.GetType().Name}: {exception.Message}");
}
