namespace Slipway.Agents.Testing.Internal;

/// <summary>How a completion is written: as a stream of chunks or as one body.</summary>
internal interface ICompletionForm
{
    /// <summary>Writes what comes before the first token, if anything does.</summary>
    void Begin();

    void Delta(ScriptedStep.Delta delta);

    /// <param name="index">The call's place among the parallel ones.</param>
    /// <param name="call">The call.</param>
    /// <param name="fragment">Which of its fragments.</param>
    void Fragment(int index, ScriptedStep.Call call, int fragment);

    void Verbatim(string text);

    /// <summary>Writes an error, with which the answer ends.</summary>
    void Error(ScriptedStep.Error error);

    /// <summary>Ends the answer without what a complete one ends with.</summary>
    void BreakOff();

    /// <summary>Ends a complete answer.</summary>
    void Finish();
}
