namespace Slipway.Rag.Reading;

/// <summary>The readers of a pipeline, in order: the first that reads a media type gets the document.</summary>
/// <remarks>Immutable and safe for concurrent use.</remarks>
public sealed class ReaderSet
{
    /// <summary>Puts a set together.</summary>
    /// <param name="readers">In order of preference, the special before the general.</param>
    public ReaderSet(IEnumerable<IDocumentReader> readers)
    {
        Readers = [.. readers];
        Fingerprint = string.Join('+', Readers.Select(reader => reader.Fingerprint));
    }

    /// <summary>What the core reads by itself: Markdown, JSON, CSV and plain text.</summary>
    public static ReaderSet Default { get; } =
        new([new MarkdownReader(), new JsonReader(), new CsvReader(), new PlainTextReader()]);

    /// <summary>The readers, in order.</summary>
    public IReadOnlyList<IDocumentReader> Readers { get; }

    /// <summary>All readers' fingerprints: part of the pipeline's fingerprint.</summary>
    public string Fingerprint { get; }

    /// <summary>Whether a reader reads this media type.</summary>
    /// <param name="mediaType">Lower case, without parameters.</param>
    public bool CanRead(string mediaType) => Readers.Any(reader => reader.CanRead(mediaType));

    /// <summary>Reads a document with the first reader that reads <see cref="ReadingContext.MediaType"/>.</summary>
    /// <param name="content">The bytes; read from the current position, not disposed.</param>
    /// <param name="context">Name, media type and limits.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <exception cref="UnsupportedMediaTypeException">No reader reads the media type.</exception>
    /// <exception cref="SlipwayException">The document cannot be read; the message is for people.</exception>
    public ValueTask<StructuredDocument> ReadAsync(
        Stream content,
        ReadingContext context,
        CancellationToken cancellationToken = default
    ) =>
        (
            Readers.FirstOrDefault(reader => reader.CanRead(context.MediaType))
            ?? throw new UnsupportedMediaTypeException(context.Name, context.MediaType)
        ).ReadAsync(content, context, cancellationToken);
}

/// <summary>No reader reads this format. The document is skipped, not failed: it is looked at again when it or the readers change.</summary>
/// <param name="name">The document's name.</param>
/// <param name="mediaType">The media type that was decided on.</param>
public sealed class UnsupportedMediaTypeException(string name, string mediaType)
    : SlipwayException(
        ErrorClass.Permanent,
        $"'{name}' is {mediaType}, which no reader reads.",
        mediaType == MediaTypes.Binary
            ? "If it is text, save it as UTF-8; otherwise leave it out of the source."
            : "Add a reader for this type, or leave the document out of the source."
    )
{
    /// <summary>The media type that was decided on.</summary>
    public string MediaType { get; } = mediaType;
}
