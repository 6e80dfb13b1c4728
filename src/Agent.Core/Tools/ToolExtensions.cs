using Microsoft.Extensions.AI;

namespace Slipway.Agents.Tools;

/// <summary>Says of tools what a durable turn must know.</summary>
public static class ToolExtensions
{
    private static readonly Dictionary<string, object?> Marked = new(StringComparer.Ordinal)
    {
        [ToolProperties.Idempotent] = true,
    };

    /// <summary>Marks a tool as <see cref="ToolProperties.Idempotent"/>: reading, searching, computing, or writing by a key.</summary>
    public static AIFunction AsIdempotent(this AIFunction function) => new IdempotentFunction(function);

    internal static bool IsIdempotent(this AITool tool) =>
        tool.AdditionalProperties.TryGetValue(ToolProperties.Idempotent, out var value) && value is true;

    private sealed class IdempotentFunction(AIFunction inner) : DelegatingAIFunction(inner)
    {
        public override IReadOnlyDictionary<string, object?> AdditionalProperties { get; } =
            inner.AdditionalProperties.Count == 0
                ? Marked
                : new Dictionary<string, object?>(inner.AdditionalProperties, StringComparer.Ordinal)
                {
                    [ToolProperties.Idempotent] = true,
                };
    }
}
