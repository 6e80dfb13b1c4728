using System.Text.Json;

namespace Slipway.Rag.Reading;

/// <summary>Reads JSON and JSON Lines. The text is the file's own; members that are too large for one passage become sections.</summary>
/// <remarks>Comments and trailing commas are accepted. What is not JSON after all is read as plain text.</remarks>
public sealed class JsonReader : IDocumentReader
{
    /// <summary>An object or array up to this many characters is one block; a larger one is taken apart into its members.</summary>
    public const int LargestWholeValue = 1_000;

    /// <inheritdoc/>
    public string Fingerprint => "json/1";

    /// <inheritdoc/>
    public bool CanRead(string mediaType) =>
        mediaType is MediaTypes.Json or MediaTypes.JsonLines or "application/x-ndjson"
        || mediaType.EndsWith("+json", StringComparison.Ordinal);

    /// <inheritdoc/>
    public async ValueTask<StructuredDocument> ReadAsync(
        Stream content,
        ReadingContext context,
        CancellationToken cancellationToken = default
    ) => Read(await TextDecoding.ReadTextAsync(content, context, cancellationToken).ConfigureAwait(false));

    internal static StructuredDocument Read(string text)
    {
        try
        {
            return new StructuredDocument { Text = text, Blocks = new JsonBlocks(text).Find() };
        }
        catch (JsonException)
        {
            return PlainTextReader.Read(text, BlockKind.Code);
        }
    }
}
