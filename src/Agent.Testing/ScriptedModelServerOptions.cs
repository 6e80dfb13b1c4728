namespace Slipway.Agents.Testing;

/// <summary>What a <see cref="ScriptedModelServer"/> answers, where and by which clock.</summary>
/// <remarks>
/// A script gets the request and returns its reply; <see cref="ScriptedReply.InOrder"/> makes one of a list. Scripts
/// are called from several threads at once. One that throws is an answer with status 500 that says so.
/// </remarks>
public sealed class ScriptedModelServerOptions
{
    /// <summary>The script of <c>POST /v1/chat/completions</c>; <see cref="ScriptedReply.Echo"/> by default.</summary>
    public Func<ScriptedRequest, ScriptedReply> Chat { get; set; } = ScriptedReply.Echo;

    /// <summary>The script of <c>POST /v1/embeddings</c>; vectors of 384 dimensions by default.</summary>
    public Func<ScriptedRequest, ScriptedReply> Embeddings { get; set; } = ScriptedReply.InOrder(ScriptedReply.Embed());

    /// <summary>The script of <c>GET /v1/models</c>; one model, <c>scripted</c>, by default.</summary>
    public Func<ScriptedRequest, ScriptedReply> Models { get; set; } =
        ScriptedReply.InOrder(ScriptedReply.ListModels("scripted"));

    /// <summary>The port on 127.0.0.1; 0, the default, for one that is free.</summary>
    public int Port { get; set; }

    /// <summary>
    /// Whether requests are kept for <see cref="ScriptedModelServer.Requests"/>; true by default. A long load test
    /// keeps none.
    /// </summary>
    public bool KeepsRequests { get; set; } = true;

    /// <summary>The clock of latencies and of dates in answers; the system's by default.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
