using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Testing.Internal;

namespace Slipway.Agents.Testing;

/// <summary>
/// One answer of a <see cref="ScriptedModelServer"/>: steps that are played in order. A request that does not ask for a
/// stream gets what the steps say in one piece. Immutable: one reply may answer any number of requests.
/// </summary>
public sealed partial record ScriptedReply
{
    private ScriptedReply(params ScriptedStep[] steps) => Steps = steps;

    /// <summary>The model that the answer names; null, the default, for the one that was asked for.</summary>
    public string? Model { get; init; }

    /// <summary>
    /// The tokens that the answer reports; null, the default, for an estimate: one input token for four bytes of the
    /// request, one output token for each step. A stream reports them only when <c>stream_options.include_usage</c>
    /// asks for them.
    /// </summary>
    public UsageDetails? Usage { get; init; }

    /// <summary>
    /// Why the answer ended; null, the default, for <c>tool_calls</c> when it calls tools, and else <c>stop</c>.
    /// </summary>
    public ChatFinishReason? FinishReason { get; init; }

    /// <summary>
    /// The time between the request's arrival and the first token, or the whole answer if it is no completion; none by
    /// default.
    /// </summary>
    public TimeSpan FirstTokenDelay { get; init; }

    /// <summary>
    /// The time from one token to the next; none by default. A token is due by the number of those before it: a late
    /// one delays none of the others. After a stall the time begins anew.
    /// </summary>
    public TimeSpan TokenDelay { get; init; }

    /// <summary>
    /// Whether a stream's status and headers are sent before its first token is due; false by default, as most models
    /// do it.
    /// </summary>
    public bool SendsHeadersAtOnce { get; init; }

    internal IReadOnlyList<ScriptedStep> Steps { get; private init; }

    /// <summary>Whether it is no completion.</summary>
    internal bool IsWhole => Steps.Any(step => step is ScriptedStep.Whole);

    /// <summary>Says a text, in these pieces, each a token of its own.</summary>
    /// <param name="deltas">The pieces; none for an answer without content.</param>
    public static ScriptedReply Say(params string[] deltas) => Deltas(deltas, isReasoning: false);

    /// <summary>Reasons, as <c>reasoning_content</c>, in these pieces.</summary>
    /// <param name="deltas">The pieces.</param>
    public static ScriptedReply Think(params string[] deltas) => Deltas(deltas, isReasoning: true);

    /// <summary>Says the same token again and again: what a load test lets every request have.</summary>
    /// <param name="token">The token.</param>
    /// <param name="count">How often it is said; 0 or more.</param>
    /// <param name="interval">The time from one token to the next.</param>
    public static ScriptedReply Repeat(string token, int count, TimeSpan interval)
    {
        ArgumentNullException.ThrowIfNull(token);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ScriptedStep step = new ScriptedStep.Delta(token, IsReasoning: false);
        return new([.. Enumerable.Repeat(step, count)]) { TokenDelay = interval };
    }

    /// <summary>Says the last message of the user again, word by word.</summary>
    /// <param name="request">The request.</param>
    public static ScriptedReply Echo(ScriptedRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var words = request.LastUserText.Split(' ');
        return Say([.. words.Select((word, index) => index == words.Length - 1 ? word : word + " ")]);
    }

    /// <summary>Calls a tool, the arguments in two fragments.</summary>
    /// <param name="name">The tool.</param>
    /// <param name="arguments">
    /// An object or a dictionary that is written as JSON, such as <c>new { query = "x" }</c>, or JSON as text; null for
    /// <c>{}</c>.
    /// </param>
    /// <param name="callId">The call's id, unique within a conversation.</param>
    public static ScriptedReply Call(string name, object? arguments = null, string callId = "call-1")
    {
        var text = arguments as string ?? JsonSerializer.Serialize(arguments ?? new { });
        var half = text.Length / 2;
        half -= half > 0 && char.IsHighSurrogate(text[half - 1]) ? 1 : 0;
        return CallInFragments(name, callId, text[..half], text[half..]);
    }

    /// <summary>Calls several tools in parallel.</summary>
    /// <param name="calls">The calls; see <see cref="Call"/>.</param>
    public static ScriptedReply Calling(params (string Name, object? Arguments, string CallId)[] calls) =>
        Say().Then([.. calls.Select(call => Call(call.Name, call.Arguments, call.CallId))]);

    /// <summary>
    /// Calls a tool, the arguments in fragments of the test's choice, which need not be JSON together.
    /// </summary>
    /// <param name="name">The tool.</param>
    /// <param name="callId">The call's id.</param>
    /// <param name="fragments">The fragments, each a token of its own.</param>
    public static ScriptedReply CallInFragments(string name, string callId, params string[] fragments)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(callId);
        ArgumentNullException.ThrowIfNull(fragments);
        return new(new ScriptedStep.Call(callId, name, fragments));
    }

    /// <summary>
    /// Sends nothing until the gate opens. The wait ends as well when the client leaves or the server is disposed.
    /// </summary>
    /// <param name="gate">The gate; it is open when the task is done. Null for one that never opens.</param>
    public static ScriptedReply Stall(Task? gate = null) =>
        new(new ScriptedStep.Stall(gate ?? new TaskCompletionSource().Task));

    /// <summary>Vectors for the request's inputs, in which texts that share words are near to each other.</summary>
    /// <param name="dimensions">Their length when the request names none; 1 or more.</param>
    public static ScriptedReply Embed(int dimensions = 384)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        return Json(
            200,
            (request, reply) =>
                EmbeddingWire.List(request, reply, text => WordVector.Of(text, request.Dimensions ?? dimensions))
        );
    }

    /// <summary>Vectors of the test's choice for the request's inputs.</summary>
    /// <param name="vector">
    /// The vector of a text; for an input of token ids, their JSON is the text. Called from several threads at once.
    /// </param>
    public static ScriptedReply Embed(Func<string, float[]> vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        return Json(200, (request, reply) => EmbeddingWire.List(request, reply, vector));
    }

    /// <summary>A list of models.</summary>
    /// <param name="ids">The models' names.</param>
    public static ScriptedReply ListModels(params string[] ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return Json(200, (_, _) => CompletionWire.Models(ids));
    }

    /// <summary>A script that gives these replies in order, one a request, and the last again and again.</summary>
    /// <param name="replies">The replies; at least one.</param>
    /// <returns>
    /// A script that is safe for concurrent use; which of two simultaneous requests gets which reply is not decided.
    /// </returns>
    public static Func<ScriptedRequest, ScriptedReply> InOrder(params ScriptedReply[] replies)
    {
        ArgumentNullException.ThrowIfNull(replies);
        ArgumentOutOfRangeException.ThrowIfZero(replies.Length, nameof(replies));
        var next = -1;
        return _ => replies[(int)Math.Min((uint)Interlocked.Increment(ref next), (uint)replies.Length - 1)];
    }

    /// <summary>Goes on with the steps of other replies. All else stays as it is in this one.</summary>
    /// <param name="next">The replies that follow.</param>
    /// <exception cref="ArgumentException">A status or a whole body would follow what has already begun.</exception>
    public ScriptedReply Then(params ScriptedReply[] next)
    {
        ArgumentNullException.ThrowIfNull(next);
        ScriptedStep[] steps = [.. Steps, .. next.SelectMany(reply => reply.Steps)];
        if (
            Array.FindIndex(steps, step => step is ScriptedStep.Whole) is >= 0 and var whole
            && (whole < steps.Length - 1 || steps.Take(whole).Any(step => step is not ScriptedStep.Stall))
        )
        {
            throw new ArgumentException(
                "A refusal, a list or a raw body is an answer of its own: only a stall may stand before it.",
                nameof(next)
            );
        }

        return this with
        {
            Steps = steps,
        };
    }

    private static ScriptedReply Deltas(string[] deltas, bool isReasoning)
    {
        ArgumentNullException.ThrowIfNull(deltas);
        return new([.. deltas.Select(delta => new ScriptedStep.Delta(delta, isReasoning))]);
    }

    private static ScriptedReply Json(
        int status,
        Func<ScriptedRequest, ScriptedReply, byte[]> body,
        params (string Name, string Value)[] headers
    ) => new(new ScriptedStep.Whole(status, "application/json", headers, body));
}
