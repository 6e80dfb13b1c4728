using System.Security.Cryptography;
using System.Text;
using Slipway.Rag.Reading;

namespace Slipway.Hosting.Ingestion;

/// <summary>A reader that is given some media types only, named by how they begin, as the older system's lists do.</summary>
internal sealed class LimitedReader(IDocumentReader reader, IReadOnlyList<string> mediaTypes, bool anyText = false)
    : IDocumentReader
{
    // With the list in it, so that what was skipped is looked at again when the list changes.
    public string Fingerprint { get; } =
        reader.Fingerprint
        + ";"
        + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', mediaTypes))))[..12];

    /// <summary>The readers as the settings limit them.</summary>
    public static IEnumerable<IDocumentReader> Limit(IEnumerable<IDocumentReader> readers, RagOptions options)
    {
        foreach (var reader in readers)
        {
            var limited =
                reader is CsvReader && options.TabularMediaTypes.Count > 0
                    ? new LimitedReader(reader, options.TabularMediaTypes, anyText: true)
                    : reader;
            yield return options.SupportedMediaTypes.Count > 0
                ? new LimitedReader(limited, options.SupportedMediaTypes)
                : limited;
        }
    }

    public bool CanRead(string mediaType) =>
        mediaTypes.Any(prefix => mediaType.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        && (reader.CanRead(mediaType) || (anyText && MediaTypes.IsText(mediaType)));

    public ValueTask<StructuredDocument> ReadAsync(
        Stream content,
        ReadingContext context,
        CancellationToken cancellationToken = default
    ) => reader.ReadAsync(content, context, cancellationToken);
}
