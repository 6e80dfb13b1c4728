namespace Slipway.Rag.Reading;

/// <summary>Reads comma-, semicolon-, tab- and bar-separated values: as a table, and as text that can be found and quoted.</summary>
/// <remarks>
/// The text has one line a row, <c>Column: value; Column: value</c>, without empty cells, so that a row is understood without its
/// header. The table has the cells as they are.
/// </remarks>
public sealed class CsvReader : IDocumentReader
{
    /// <summary>One record may have this many characters; a file with a longer one (a quote that never ends) is read as plain text.</summary>
    private const int LargestRecord = 1 << 20;

    /// <inheritdoc/>
    public string Fingerprint => "csv/1";

    /// <inheritdoc/>
    public bool CanRead(string mediaType) =>
        mediaType is MediaTypes.Csv or MediaTypes.TabSeparatedValues or "application/csv";

    /// <inheritdoc/>
    public async ValueTask<StructuredDocument> ReadAsync(
        Stream content,
        ReadingContext context,
        CancellationToken cancellationToken = default
    )
    {
        var text = await TextDecoding.ReadTextAsync(content, context, cancellationToken).ConfigureAwait(false);
        try
        {
            return Read(text, context, cancellationToken);
        }
        catch (FormatException)
        {
            return PlainTextReader.Read(text, BlockKind.Code);
        }
    }

    private static StructuredDocument Read(string text, ReadingContext context, CancellationToken cancellationToken)
    {
        var records = new CsvRecords(text, CsvDialect.Detect(text), LargestRecord);
        var rows = new RowRendering(context);
        while (records.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            rows.Add(records);
        }

        return rows.ToDocument();
    }
}
