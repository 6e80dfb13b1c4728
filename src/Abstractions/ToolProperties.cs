namespace Slipway;

/// <summary>What a tool says of itself in its additional properties (<c>AITool.AdditionalProperties</c>).</summary>
public static class ToolProperties
{
    /// <summary>
    /// True when running the tool a second time with the same arguments changes nothing more. After a crash such a tool is run again; of any
    /// other that had begun nobody knows whether it ran, and the model is told so.
    /// </summary>
    public const string Idempotent = "slipway.idempotent";
}
