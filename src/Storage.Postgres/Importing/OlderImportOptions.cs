using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Importing;

/// <summary>What an older database is, and where its data go.</summary>
/// <remarks>Not a record: its text would show the password.</remarks>
public sealed class OlderImportOptions
{
    /// <summary>
    /// The older database, as in <see cref="PostgresStorageOptions.ConnectionString"/>. It may be the same as Slipway's. The login must be
    /// above row-level security, as its service role is.
    /// </summary>
    public required string ConnectionString { get; set; }

    /// <summary>The schema of its eight tables. Default <c>public</c>; another where they had to make room for the compatibility views.</summary>
    public string Schema { get; set; } = "public";

    /// <summary>Where documents go. Its tenant is that of users and conversations too. Default: <see cref="CollectionKey.Default"/>.</summary>
    public CollectionKey Collection { get; set; } = CollectionKey.Default;

    /// <summary>
    /// The source that documents belong to from now on. Default <c>imported</c>, which no pipeline lists, so they stay as they are. With the
    /// name of a source of the application, such as <c>local</c>, that source takes them over: it reads each again at its next run and
    /// until then the imported text answers; what it does not list it deletes as it deletes anything else.
    /// </summary>
    public string Source { get; set; } = "imported";

    /// <summary>
    /// The folder that the older pipeline watched, if it was a local one: its ids are absolute paths, and what follows this folder is the
    /// name and the identity in <see cref="Source"/>. Null for Google Drive.
    /// </summary>
    public string? WatchDirectory { get; set; }

    /// <summary>
    /// Fingerprint of the model that made the older embeddings, as <c>EmbeddingModel.Fingerprint</c> names it. They are taken over and
    /// not made again. The older database does not say which model it was; null, the default, leaves them behind.
    /// </summary>
    public string? EmbeddingModel { get; set; }

    /// <summary>Analyser of the collection's search index, if the import makes it.</summary>
    public AnalyzerOptions Analyzer { get; set; } = AnalyzerOptions.English;
}

/// <summary>How far an import is.</summary>
/// <param name="What">A table of the older system.</param>
/// <param name="Read">Rows read so far; documents for <c>documents</c>.</param>
public sealed record OlderImportProgress(string What, long Read);

/// <summary>What became of the rows of one table; documents for <c>documents</c>.</summary>
public sealed record OlderImportCount
{
    /// <summary>A table of the older system.</summary>
    public required string What { get; init; }

    /// <summary>How many there are.</summary>
    public long Read { get; internal set; }

    /// <summary>How many this run has added.</summary>
    public long Added { get; internal set; }

    /// <summary>How many were there already, from an earlier run; they were left as they are.</summary>
    public long Present { get; internal set; }

    /// <summary>How many cannot be taken over, by reason.</summary>
    public IReadOnlyDictionary<string, long> LeftOut => Reasons;

    internal SortedDictionary<string, long> Reasons { get; } = new(StringComparer.Ordinal);

    internal void LeaveOut(string reason) => Reasons[reason] = Reasons.GetValueOrDefault(reason) + 1;
}
