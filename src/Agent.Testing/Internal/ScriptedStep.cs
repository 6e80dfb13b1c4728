namespace Slipway.Agents.Testing.Internal;

/// <summary>One step of a scripted answer.</summary>
internal abstract record ScriptedStep
{
    /// <summary>A piece of the answer's text, or of the model's reasoning.</summary>
    public sealed record Delta(string Text, bool IsReasoning) : ScriptedStep;

    /// <summary>A tool call whose arguments come in fragments.</summary>
    public sealed record Call(string Id, string Name, IReadOnlyList<string> Fragments) : ScriptedStep;

    /// <summary>Nothing until the gate opens.</summary>
    public sealed record Stall(Task Gate) : ScriptedStep;

    /// <summary>The end of the connection.</summary>
    public sealed record Cut(bool WithReset) : ScriptedStep;

    /// <summary>The end of the answer without what a complete one ends with.</summary>
    public sealed record BreakOff : ScriptedStep;

    /// <summary>Text that stands in the body as it is.</summary>
    public sealed record Verbatim(string Text) : ScriptedStep;

    /// <summary>An error object, and the end of the answer.</summary>
    public sealed record Error(string Message, string Type, string? Code) : ScriptedStep;

    /// <summary>An answer that is no completion: a list, an error with its status, or what is no JSON at all.</summary>
    public sealed record Whole(
        int Status,
        string ContentType,
        IReadOnlyList<(string Name, string Value)> Headers,
        Func<ScriptedRequest, ScriptedReply, byte[]> Body
    ) : ScriptedStep;
}
