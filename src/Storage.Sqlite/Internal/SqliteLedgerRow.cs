using System.Globalization;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>
/// A row of the ledger, most of it in one column: a ledger is read whole at each look at a source, and asking the driver for a column (its
/// type, its length, its bytes) takes longer than SQLite needs for the row.
/// </summary>
internal sealed class SqliteLedgerRow
{
    /// <summary>Everything but id and external id. The fingerprint is last: it alone may contain the separator.</summary>
    public const string Columns = """
        state || '|' || ifnull(size, '') || '|' || ifnull(modified_ticks, '') || '|' || ifnull(seen_at, '') || '|' || version || '|'
            || attempts || '|' || ifnull(next_action_at, '') || '|' || ifnull(content_hash, '') || '|'
            || ifnull(pipeline_fingerprint, '')
        """;

    // The same in row after row.
    private (string Text, DocumentState Value) _state = ("", default);
    private string _fingerprint = "";

    public LedgerEntry Read(string id, string externalId, string columns)
    {
        var rest = columns.AsSpan();
        return new LedgerEntry
        {
            DocumentId = id,
            ExternalId = externalId,
            State = State(Next(ref rest)),
            Size = Number(Next(ref rest)),
            ModifiedAt = Number(Next(ref rest)) is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null,
            SeenAt = Time(Next(ref rest)),
            Version = int.Parse(Next(ref rest), CultureInfo.InvariantCulture),
            Attempts = int.Parse(Next(ref rest), CultureInfo.InvariantCulture),
            NextActionAt = Time(Next(ref rest)),
            ContentHash = Next(ref rest) is { Length: > 0 } hash ? hash.ToString() : null,
            PipelineFingerprint = rest.Length > 0 ? Fingerprint(rest) : null,
        };
    }

    private static ReadOnlySpan<char> Next(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf('|');
        var next = rest[..end];
        rest = rest[(end + 1)..];
        return next;
    }

    private static long? Number(ReadOnlySpan<char> text) =>
        text.Length == 0 ? null : long.Parse(text, CultureInfo.InvariantCulture);

    private static DateTimeOffset? Time(ReadOnlySpan<char> text) =>
        Number(text) is { } time ? DateTimeOffset.FromUnixTimeMilliseconds(time) : null;

    private DocumentState State(ReadOnlySpan<char> text)
    {
        if (!text.SequenceEqual(_state.Text))
        {
            _state = (text.ToString(), StoredValue.State(text.ToString()));
        }

        return _state.Value;
    }

    private string Fingerprint(ReadOnlySpan<char> text) =>
        text.SequenceEqual(_fingerprint) ? _fingerprint : _fingerprint = text.ToString();
}
