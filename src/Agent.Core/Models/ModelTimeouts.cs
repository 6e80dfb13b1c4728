using System.Globalization;

namespace Slipway.Agents.Models;

/// <summary>How long a <see cref="TimeoutChatClient"/> waits, and what it calls things when it waited in vain.</summary>
public sealed record ModelTimeouts
{
    /// <summary>Value of <see cref="FirstToken"/> and <see cref="NextToken"/> unless set: 60 seconds.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromSeconds(60);

    /// <summary>
    /// From the call to the first token, or to the whole answer where it is not streamed. <see cref="Timeout.InfiniteTimeSpan"/> for no
    /// limit.
    /// </summary>
    public TimeSpan FirstToken { get; init; } = Default;

    /// <summary>From one piece of a streamed answer to the next. <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</summary>
    public TimeSpan NextToken { get; init; } = Default;

    /// <summary>Who is waited for, as the error calls it. Default <c>The model</c>.</summary>
    public string Endpoint { get; init; } = "The model";

    /// <summary>The setting behind <see cref="FirstToken"/>, as the error calls it.</summary>
    public string FirstTokenSetting { get; init; } = $"{nameof(ModelTimeouts)}.{nameof(FirstToken)}";

    /// <summary>The setting behind <see cref="NextToken"/>, as the error calls it.</summary>
    public string NextTokenSetting { get; init; } = $"{nameof(ModelTimeouts)}.{nameof(NextToken)}";

    internal ModelTimeoutException FirstTokenFailure() =>
        new(
            FirstTokenSetting,
            FirstToken,
            $"{Endpoint} sent nothing for {Seconds(FirstToken)} seconds.",
            $"Try again; a model that needs longer to begin needs a longer {FirstTokenSetting}."
        );

    internal ModelTimeoutException NextTokenFailure() =>
        new(
            NextTokenSetting,
            NextToken,
            $"{Endpoint} stopped in the middle of its answer and sent nothing for {Seconds(NextToken)} seconds.",
            $"Try again; a model that pauses longer needs a longer {NextTokenSetting}."
        );

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A model was silent for too long; its call was cancelled.</summary>
public sealed class ModelTimeoutException : SlipwayException
{
    internal ModelTimeoutException(string setting, TimeSpan timeout, string message, string fix)
        : base(ErrorClass.Transient, message, fix)
    {
        Setting = setting;
        Timeout = timeout;
    }

    /// <summary>The setting that says how long it may be silent.</summary>
    public string Setting { get; }

    /// <summary>Its value.</summary>
    public TimeSpan Timeout { get; }
}
