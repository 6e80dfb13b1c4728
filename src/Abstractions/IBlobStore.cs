namespace Slipway;

/// <summary>Bytes by content: stored once, named by their SHA-256.</summary>
/// <remarks>Implementations are safe for concurrent use.</remarks>
public interface IBlobStore
{
    /// <summary>Stores the stream's bytes unless they are there already.</summary>
    /// <param name="tenant">The tenant that owns the bytes.</param>
    /// <param name="content">Read to its end; not disposed.</param>
    /// <param name="cancellationToken">Cancels the write; nothing is stored then.</param>
    /// <returns>The SHA-256 of the bytes in lower-case hexadecimal, and their count.</returns>
    ValueTask<(string Hash, long Length)> PutAsync(
        string tenant,
        Stream content,
        CancellationToken cancellationToken = default
    );

    /// <summary>Opens stored bytes.</summary>
    /// <returns>A stream that the caller disposes, or null when there is no such blob.</returns>
    ValueTask<Stream?> OpenAsync(string tenant, string hash, CancellationToken cancellationToken = default);
}
