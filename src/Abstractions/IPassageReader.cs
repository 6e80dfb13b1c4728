namespace Slipway;

/// <summary>Reads stored text, so that an agent can check a quote without knowing the retrieval engine.</summary>
/// <remarks>Implementations are safe for concurrent use.</remarks>
public interface IPassageReader
{
    /// <summary>Reads the text of a range.</summary>
    /// <returns>
    /// The text, or null when the document or that version is gone, the range lies outside of it, or the principal may not read it.
    /// </returns>
    ValueTask<string?> ReadAsync(
        PassageReference passage,
        Principal principal,
        CancellationToken cancellationToken = default
    );
}
