namespace Slipway.Agents.Testing;

/// <summary>How the answer to a request of a <see cref="ScriptedModelServer"/> ended.</summary>
public enum ScriptedOutcome
{
    /// <summary>All that the script says was sent, errors included.</summary>
    Completed,

    /// <summary>The client closed the connection before it had all: it was cancelled, timed out or ended.</summary>
    ClientLeft,

    /// <summary>The script cut the connection.</summary>
    Cut,

    /// <summary>The server was disposed before the answer was complete.</summary>
    ServerStopped,
}
