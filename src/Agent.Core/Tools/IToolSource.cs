using Microsoft.Extensions.AI;

namespace Slipway.Agents.Tools;

/// <summary>Where an agent's tools come from. Asked once per turn.</summary>
/// <remarks>Implementations are safe for concurrent use.</remarks>
public interface IToolSource
{
    /// <summary>The tools that this principal's turn may use. They act with the principal's rights and no other.</summary>
    ValueTask<IList<AITool>> GetToolsAsync(Principal principal, CancellationToken cancellationToken = default);
}

/// <summary>A tool source from a function.</summary>
/// <param name="tools">Gives the tools of a principal.</param>
public sealed class ToolSource(Func<Principal, CancellationToken, ValueTask<IList<AITool>>> tools) : IToolSource
{
    /// <summary>A tool source without tools.</summary>
    public static ToolSource Empty { get; } = new((_, _) => new([]));

    /// <inheritdoc/>
    public ValueTask<IList<AITool>> GetToolsAsync(Principal principal, CancellationToken cancellationToken = default) =>
        tools(principal, cancellationToken);
}
