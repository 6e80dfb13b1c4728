using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;

namespace Slipway.Agents;

/// <summary>The agent as an <see cref="AIAgent"/>, for everything that works with one.</summary>
/// <remarks>
/// <para>Safe for concurrent use. A run with a session is a turn of that session's conversation: send what is new, the history is stored.
/// A run without one is stateless: send the whole history.</para>
/// <para>A turn that fails throws the <see cref="SlipwayException"/> that ended it; what was said before is stored and was streamed.</para>
/// </remarks>
/// <param name="turns">Runs the turns.</param>
/// <param name="options">Name and description.</param>
/// <param name="principal">
/// Whose conversations sessions are that name nobody: <see cref="AIAgent.CreateSessionAsync(CancellationToken)"/> and deserialized ones.
/// Null for <see cref="Principal.Local"/>. In a service with users, use <see cref="CreateSession"/>.
/// </param>
public sealed class SlipwayAgent(ITurnRunner turns, AgentOptions options, Principal? principal = null) : AIAgent
{
    private readonly Principal _principal = principal ?? Principal.Local;

    /// <inheritdoc/>
    public override string Name => options.Name;

    /// <inheritdoc/>
    public override string? Description => options.Description;

    /// <inheritdoc/>
    protected override string IdCore => options.Name;

    /// <summary>A session on a user's conversation.</summary>
    /// <param name="user">Who asks.</param>
    /// <param name="conversationId">The conversation: the user's own, or free. Null for a new one.</param>
    /// <exception cref="SlipwayException">The id cannot be used.</exception>
    public static SlipwayAgentSession CreateSession(Principal user, string? conversationId = null)
    {
        ArgumentNullException.ThrowIfNull(user);
        conversationId ??= ConversationId.Create();
        ConversationId.ThrowIfInvalid(conversationId);
        return new(user, conversationId);
    }

    /// <inheritdoc/>
    protected override ValueTask<AgentSession> CreateSessionCoreAsync(CancellationToken cancellationToken = default) =>
        new(CreateSession(_principal));

    /// <summary>The session as JSON: its conversation's id. Who asks is not part of it, so that nobody can change that.</summary>
    protected override ValueTask<JsonElement> SerializeSessionCoreAsync(
        AgentSession session,
        JsonSerializerOptions? jsonSerializerOptions = null,
        CancellationToken cancellationToken = default
    ) => new(AgentJson.ToElement<string>(Own(session).ConversationId));

    /// <inheritdoc/>
    protected override ValueTask<AgentSession> DeserializeSessionCoreAsync(
        JsonElement serializedState,
        JsonSerializerOptions? jsonSerializerOptions = null,
        CancellationToken cancellationToken = default
    ) =>
        serializedState.ValueKind == JsonValueKind.String
            ? new(CreateSession(_principal, serializedState.GetString()))
            : throw new SlipwayException(
                ErrorClass.Permanent,
                "This is not a session of this agent.",
                "Pass what SerializeSessionAsync gave: a conversation's id as a JSON string."
            );

    /// <inheritdoc/>
    protected override async Task<AgentResponse> RunCoreAsync(
        IEnumerable<ChatMessage> messages,
        AgentSession? session = null,
        AgentRunOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        AgentResponseProjection projection = new(Id, Name);
        await foreach (
            var _ in RunAsync(projection, messages, session, options, cancellationToken).ConfigureAwait(false)
        )
        {
            // The projection keeps what it needs.
        }

        return projection.ToResponse();
    }

    /// <inheritdoc/>
    protected override async IAsyncEnumerable<AgentResponseUpdate> RunCoreStreamingAsync(
        IEnumerable<ChatMessage> messages,
        AgentSession? session = null,
        AgentRunOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        AgentResponseProjection projection = new(Id, Name);
        await foreach (
            var update in RunAsync(projection, messages, session, options, cancellationToken).ConfigureAwait(false)
        )
        {
            yield return update;
        }
    }

    private async IAsyncEnumerable<AgentResponseUpdate> RunAsync(
        AgentResponseProjection projection,
        IEnumerable<ChatMessage> messages,
        AgentSession? session,
        AgentRunOptions? runOptions,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var own = session is null ? null : Own(session);
        TurnRequest request = new()
        {
            Principal = own?.Principal ?? _principal,
            ConversationId = own?.ConversationId,
            Messages = [.. messages],
            Options = runOptions?.ResponseFormat is { } format ? new() { ResponseFormat = format } : null,
        };
        await foreach (var happened in turns.RunAsync(request, cancellationToken).ConfigureAwait(false))
        {
            if (projection.Project(happened) is { } update)
            {
                yield return update;
            }
        }
    }

    private static SlipwayAgentSession Own(AgentSession session) =>
        session as SlipwayAgentSession
        ?? throw new SlipwayException(
            ErrorClass.Permanent,
            $"A session of the type {session.GetType().Name} is not one of this agent.",
            "Create the session with CreateSessionAsync or CreateSession of the same agent."
        );
}

/// <summary>A conversation and who takes part in it. Everything else is in the store.</summary>
public sealed class SlipwayAgentSession : AgentSession
{
    internal SlipwayAgentSession(Principal principal, string conversationId)
    {
        Principal = principal;
        ConversationId = conversationId;
    }

    /// <summary>Who asks.</summary>
    public Principal Principal { get; }

    /// <summary>The conversation.</summary>
    public string ConversationId { get; }
}
