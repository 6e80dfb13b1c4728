namespace Slipway.Rag.Reading;

/// <summary>Reads text without markup: notes, logs, source code, configuration. The text is the file's own.</summary>
/// <remarks>Blocks are what blank lines separate; in source code, logs and configuration lines are never joined or cut.</remarks>
public sealed class PlainTextReader : IDocumentReader
{
    /// <inheritdoc/>
    public string Fingerprint => "text/1";

    /// <inheritdoc/>
    public bool CanRead(string mediaType) =>
        MediaTypes.IsText(mediaType) && mediaType is not ("text/html" or "application/xhtml+xml" or "message/rfc822");

    /// <inheritdoc/>
    public async ValueTask<StructuredDocument> ReadAsync(
        Stream content,
        ReadingContext context,
        CancellationToken cancellationToken = default
    )
    {
        var text = await TextDecoding.ReadTextAsync(content, context, cancellationToken).ConfigureAwait(false);
        var isProse = context.MediaType is MediaTypes.PlainText or "text/x-rst" or "text/asciidoc";
        return Read(text, isProse ? BlockKind.Paragraph : BlockKind.Code);
    }

    /// <summary>Text as blocks between blank lines: also what is left when a structured format turns out to be broken.</summary>
    internal static StructuredDocument Read(string text, BlockKind kind)
    {
        var blocks = new List<Block>();
        int start = -1,
            end = 0;
        foreach (var line in new LineRanges(text, 0, text.Length))
        {
            if (!text.AsSpan(line).IsWhiteSpace())
            {
                start = start < 0 ? line.Start.Value : start;
                end = line.End.Value;
            }
            else if (start >= 0)
            {
                blocks.Add(new Block(kind, start, end));
                start = -1;
            }
        }

        if (start >= 0)
        {
            blocks.Add(new Block(kind, start, end));
        }

        return new StructuredDocument { Text = text, Blocks = blocks };
    }
}
