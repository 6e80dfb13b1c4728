namespace Slipway;

/// <summary>What can be done about an error. Exit codes and retries come from this, never from a message's text.</summary>
public enum ErrorClass
{
    /// <summary>May pass when tried again: network, rate limits, a busy database. Exit code 1.</summary>
    Transient,

    /// <summary>Will fail again with the same input: corrupt, unsupported, too large. Exit code 1.</summary>
    Permanent,

    /// <summary>A setting is missing or wrong. Exit code 2.</summary>
    Configuration,

    /// <summary>A credential is missing, wrong or without the right. Exit code 3.</summary>
    Authentication,
}

/// <summary>An error that says what happened and what to do about it. Messages hold no secrets.</summary>
public class SlipwayException : Exception
{
    /// <summary>Creates an error.</summary>
    /// <param name="errorClass">What can be done about it.</param>
    /// <param name="message">One or two sentences: what happened, with the names and values that matter.</param>
    /// <param name="fix">One sentence: the setting or the action that helps. May be null when there is nothing to do but wait.</param>
    /// <param name="innerException">The cause, if another exception was.</param>
    public SlipwayException(ErrorClass errorClass, string message, string? fix = null, Exception? innerException = null)
        : base(message, innerException)
    {
        Class = errorClass;
        Fix = fix;
    }

    /// <summary>What can be done about the error.</summary>
    public ErrorClass Class { get; }

    /// <summary>The setting or the action that helps, if there is one.</summary>
    public string? Fix { get; }

    /// <summary>When a retry makes sense at the earliest, if the other side said so (Retry-After).</summary>
    public TimeSpan? RetryAfter { get; init; }
}
