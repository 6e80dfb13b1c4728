namespace Slipway.Rag.Reading;

/// <summary>Turns the bytes of one family of formats into text with structure.</summary>
/// <remarks>Stateless and safe for concurrent use.</remarks>
public interface IDocumentReader
{
    /// <summary>
    /// Name and version of what this reader produces, such as <c>markdown/1</c>. It is part of the pipeline's fingerprint: raise the
    /// version when the output changes, and documents are read again.
    /// </summary>
    string Fingerprint { get; }

    /// <summary>Whether this reader reads the media type (lower case, without parameters).</summary>
    bool CanRead(string mediaType);

    /// <summary>Reads a document.</summary>
    /// <param name="content">The bytes; read from the current position, not disposed.</param>
    /// <param name="context">Name, media type and limits.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <exception cref="SlipwayException">The document cannot be read; the message is for people.</exception>
    ValueTask<StructuredDocument> ReadAsync(
        Stream content,
        ReadingContext context,
        CancellationToken cancellationToken = default
    );
}

/// <summary>What a reader is told about the document.</summary>
public sealed record ReadingContext
{
    /// <summary>The document's name, with extension.</summary>
    public required string Name { get; init; }

    /// <summary>The media type that was decided on, lower case, without parameters.</summary>
    public required string MediaType { get; init; }

    /// <summary>Largest text that is accepted, in UTF-16 code units.</summary>
    public int MaxTextLength { get; init; } = ReadingOptions.DefaultMaxTextLength;
}
