using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Storage;

/// <summary>A collection of a tenant: one body of knowledge with one search index.</summary>
/// <param name="Tenant">Owner; nothing crosses tenants.</param>
/// <param name="Collection">Name within the tenant.</param>
public readonly record struct CollectionKey(string Tenant, string Collection)
{
    /// <summary>Tenant <c>default</c>, collection <c>default</c>.</summary>
    public static CollectionKey Default { get; } = new(Principal.DefaultTenant, "default");
}

/// <summary>Where a document stands.</summary>
public enum DocumentState
{
    /// <summary>Known, waiting to be read for the first time or again.</summary>
    Pending,

    /// <summary>Its current version answers.</summary>
    Published,

    /// <summary>The last attempt failed; it is tried again at <see cref="DocumentInfo.NextActionAt"/>. An older version still answers.</summary>
    Failed,

    /// <summary>Given up with a reason, until the file changes or somebody asks for a retry.</summary>
    Quarantined,

    /// <summary>A format that no reader reads; looked at again when the file or the set of readers changes.</summary>
    Skipped,
}

/// <summary>What the ledger knows of a document, as planning needs it.</summary>
public sealed record LedgerEntry
{
    /// <summary>The document's id.</summary>
    public required string DocumentId { get; init; }

    /// <summary>Identity within the source.</summary>
    public required string ExternalId { get; init; }

    /// <summary>Where it stands.</summary>
    public required DocumentState State { get; init; }

    /// <summary>Bytes at the last look.</summary>
    public long? Size { get; init; }

    /// <summary>The source's time at the last look, UTC.</summary>
    public DateTimeOffset? ModifiedAt { get; init; }

    /// <summary>When that look was taken: a file changed within the clock's grain of it is read again.</summary>
    public DateTimeOffset? SeenAt { get; init; }

    /// <summary>SHA-256 of the bytes of the version that answers, lower-case hexadecimal; null after a failed attempt.</summary>
    public string? ContentHash { get; init; }

    /// <summary>Fingerprint of the readers and chunker that made the current version.</summary>
    public string? PipelineFingerprint { get; init; }

    /// <summary>Current version; 0 before the first.</summary>
    public int Version { get; init; }

    /// <summary>Failed attempts since the last success.</summary>
    public int Attempts { get; init; }

    /// <summary>When the next attempt is due; null when none is.</summary>
    public DateTimeOffset? NextActionAt { get; init; }
}

/// <summary>Everything that becomes visible at once when a version of a document is published.</summary>
public sealed record DocumentPublication
{
    /// <summary>The collection.</summary>
    public required CollectionKey Collection { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The document as listed.</summary>
    public required SourceDocument Document { get; init; }

    /// <summary>
    /// Version the work was based on; 0 for a new document. Publishing is refused with <see cref="PublicationConflictException"/>
    /// when the ledger has moved on.
    /// </summary>
    public required int BaseVersion { get; init; }

    /// <summary>
    /// The document whose row is taken over: the same document, or the one that was moved or renamed. Null for a new one.
    /// </summary>
    public string? DocumentId { get; init; }

    /// <summary>
    /// The claim under which the work was done: publishing is refused with <see cref="ClaimLostException"/> when it is not held any more,
    /// or the ledger has moved on in spite of it.
    /// Null publishes without one, on <see cref="BaseVersion"/> alone.
    /// </summary>
    public DocumentClaim? Claim { get; init; }

    /// <summary>Media type that was decided on.</summary>
    public required string MediaType { get; init; }

    /// <summary>Title shown to people.</summary>
    public required string Title { get; init; }

    /// <summary>
    /// Whether the title was made of the name, as <see cref="DocumentTitle.FromName"/> does; then it follows the name when the document is
    /// moved or renamed. False by default: the source or the document gave it.
    /// </summary>
    public bool IsTitleDerived { get; init; }

    /// <summary>Bytes read.</summary>
    public required long Size { get; init; }

    /// <summary>When the bytes were read.</summary>
    public required DateTimeOffset SeenAt { get; init; }

    /// <summary>SHA-256 of the bytes, lower-case hexadecimal.</summary>
    public required string ContentHash { get; init; }

    /// <summary>Fingerprint of readers and chunker.</summary>
    public required string PipelineFingerprint { get; init; }

    /// <summary>
    /// What the document says of itself. What its source says of it (<see cref="SourceDocument.Metadata"/>) is kept beside it and wins, see
    /// <see cref="DocumentMetadata.Join"/>.
    /// </summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>The chunks, in order.</summary>
    public required IReadOnlyList<ChunkRecord> Chunks { get; init; }

    /// <summary>Tables as data.</summary>
    public IReadOnlyList<DataTable> Tables { get; init; } = [];

    /// <summary>Fingerprint of the embedding model, or null when there is none.</summary>
    public string? EmbeddingModel { get; init; }

    /// <summary>For the collection's search index if this is its first document; an index that exists keeps its own.</summary>
    public AnalyzerOptions Analyzer { get; init; } = AnalyzerOptions.English;
}

/// <summary>A chunk as it is stored and indexed.</summary>
public sealed record ChunkRecord
{
    /// <summary>Number within the document, from 0.</summary>
    public required int Ordinal { get; init; }

    /// <summary>First character in the document's text.</summary>
    public required int Start { get; init; }

    /// <summary>One past the last.</summary>
    public required int End { get; init; }

    /// <summary>Exactly the range of the document's text.</summary>
    public required string Text { get; init; }

    /// <summary>Headings above, outermost first.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>A table's header that began in an earlier chunk.</summary>
    public string? RepeatedHeader { get; init; }

    /// <summary>Address of the embedding input, see <see cref="ChunkIdentity"/>.</summary>
    public required string ContentHash { get; init; }
}

/// <summary>A document that could not be published.</summary>
public sealed record DocumentFailure
{
    /// <summary>The collection.</summary>
    public required CollectionKey Collection { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The document as listed.</summary>
    public required SourceDocument Document { get; init; }

    /// <summary>The state it goes to: failed, quarantined or skipped.</summary>
    public required DocumentState State { get; init; }

    /// <summary>What can be done about it.</summary>
    public required ErrorClass ErrorClass { get; init; }

    /// <summary>What happened, for people.</summary>
    public required string Error { get; init; }

    /// <summary>Fingerprint of the readers that were tried.</summary>
    public required string PipelineFingerprint { get; init; }

    /// <summary>When the bytes were looked at.</summary>
    public required DateTimeOffset SeenAt { get; init; }

    /// <summary>When to try again; null for never by itself.</summary>
    public DateTimeOffset? NextActionAt { get; init; }

    /// <summary>Duration of the attempt.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The claim under which it was tried, as in <see cref="DocumentPublication.Claim"/>; null for none.</summary>
    public DocumentClaim? Claim { get; init; }
}

/// <summary>A document as people and tools see it.</summary>
public sealed record DocumentInfo
{
    /// <summary>The document's id.</summary>
    public required string Id { get; init; }

    /// <summary>The collection.</summary>
    public required CollectionKey Collection { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>Identity within the source.</summary>
    public required string ExternalId { get; init; }

    /// <summary>Name with path inside the source.</summary>
    public required string Name { get; init; }

    /// <summary>Title shown to people.</summary>
    public required string Title { get; init; }

    /// <summary>Media type; null before the first read.</summary>
    public string? MediaType { get; init; }

    /// <summary>Where the original can be opened, if anywhere.</summary>
    public string? Uri { get; init; }

    /// <summary>Where it stands.</summary>
    public required DocumentState State { get; init; }

    /// <summary>Current version; 0 before the first.</summary>
    public required int Version { get; init; }

    /// <summary>Bytes.</summary>
    public long? Size { get; init; }

    /// <summary>The source's time, UTC.</summary>
    public DateTimeOffset? ModifiedAt { get; init; }

    /// <summary>When the current version was published, UTC.</summary>
    public DateTimeOffset? PublishedAt { get; init; }

    /// <summary>Chunks of the current version.</summary>
    public int Chunks { get; init; }

    /// <summary>Failed attempts since the last success.</summary>
    public int Attempts { get; init; }

    /// <summary>The last error, for people; null after a success.</summary>
    public string? Error { get; init; }

    /// <summary>Class of the last error.</summary>
    public ErrorClass? ErrorClass { get; init; }

    /// <summary>When the next attempt is due.</summary>
    public DateTimeOffset? NextActionAt { get; init; }

    /// <summary>Columns of its tables, if it is tabular.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>Facts about the document: its own and its source's together.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>(0);
}

/// <summary>Which documents to list.</summary>
public sealed record DocumentQuery
{
    /// <summary>The collection.</summary>
    public required CollectionKey Collection { get; init; }

    /// <summary>Only what this principal may read.</summary>
    public required Principal Principal { get; init; }

    /// <summary>Only this source, if given.</summary>
    public string? Source { get; init; }

    /// <summary>Only this state, if given.</summary>
    public DocumentState? State { get; init; }

    /// <summary>Only names and titles that contain this text, ignoring ASCII case.</summary>
    public string? Contains { get; init; }

    /// <summary>Page size, 1 to 1,000.</summary>
    public int Limit { get; init; } = 100;

    /// <summary>The last page's <see cref="DocumentPage.Next"/>.</summary>
    public string? After { get; init; }
}

/// <summary>A page of documents, by name.</summary>
/// <param name="Documents">The documents.</param>
/// <param name="Next">Pass as <see cref="DocumentQuery.After"/> for the next page; null on the last.</param>
public sealed record DocumentPage(IReadOnlyList<DocumentInfo> Documents, string? Next);

/// <summary>The text of one version.</summary>
/// <param name="DocumentId">The document.</param>
/// <param name="Version">The version.</param>
/// <param name="Text">The whole text, put together from its chunks.</param>
public sealed record DocumentText(string DocumentId, int Version, string Text);

/// <summary>The ledger moved on while a document was being worked on: somebody else has published it.</summary>
public sealed class PublicationConflictException(string documentName, int baseVersion)
    : SlipwayException(
        ErrorClass.Transient,
        $"'{documentName}' was changed by another worker after version {baseVersion} was read; this result is dropped."
    );
