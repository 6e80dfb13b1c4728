using Slipway.Rag.Ingestion;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;

namespace Slipway.Hosting;

/// <summary>Settings of ingestion and retrieval: section <c>Rag</c>.</summary>
public sealed record RagOptions
{
    /// <summary>Default of <see cref="Interval"/>: 60 seconds.</summary>
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(60);

    /// <summary>
    /// A folder to ingest, relative to the content root; alias <c>RAG_WATCH_DIRECTORY</c>. It takes the place of a folder that code
    /// registered under the name <c>local</c>. Null for none.
    /// </summary>
    public string? Folder { get; set; }

    /// <summary>
    /// The name of the source that the folder is; alias <c>RAG_PIPELINE_ID</c>. What is known of its documents is kept under this name, so two
    /// hosts on one database keep apart what they read. Null, the default, for the name that code gave: <c>local</c>.
    /// </summary>
    public string? FolderName { get; set; }

    /// <summary>Where documents come from; alias <c>RAG_PIPELINE_TYPE</c>.</summary>
    public PipelineType Pipeline { get; set; }

    /// <summary>
    /// Media types that are read, by how they begin: <c>text/</c>, <c>application/json</c>. Others are skipped. Empty, the default, for all that
    /// a reader reads.
    /// </summary>
    public IReadOnlyList<string> SupportedMediaTypes { get; set; } = [];

    /// <summary>
    /// Media types that are read as tables, by how they begin; other text is read without rows. Empty, the default, for comma- and
    /// tab-separated values.
    /// </summary>
    public IReadOnlyList<string> TabularMediaTypes { get; set; } = [];

    /// <summary>The collection that documents go to and answers come from. Default <c>default</c>.</summary>
    public string Collection { get; set; } = "default";

    /// <summary>
    /// Longest time between two looks at a source; a source that notices changes is looked at sooner. Alias <c>CHECK_INTERVAL</c>, in
    /// seconds. Default 60 seconds.
    /// </summary>
    public TimeSpan Interval { get; set; } = DefaultInterval;

    /// <summary>Whether ingestion goes on until the host stops, or ends after one pass; alias <c>RUN_MODE</c>.</summary>
    public RunMode RunMode { get; set; }

    /// <summary>How documents are cut into passages.</summary>
    public ChunkingOptions Chunking { get; } = new();

    /// <summary>Limits and guards of ingestion: section <c>Rag:Ingestion</c>.</summary>
    public IngestionOptions Ingestion { get; } = new();

    /// <summary>How passages are ranked: section <c>Rag:Retrieval</c>.</summary>
    public RetrievalOptions Retrieval { get; } = new();

    /// <summary>The collection of tenant <c>default</c>, which this host keeps up to date.</summary>
    internal CollectionKey CollectionKey => new(Principal.DefaultTenant, Collection);
}

/// <summary>Where documents come from.</summary>
public enum PipelineType
{
    /// <summary>The folder of the settings, and every source that code registered.</summary>
    Local,

    /// <summary>A source named <c>google_drive</c> that code registered, beside its others; the folder of the settings is not read.</summary>
    GoogleDrive,
}

/// <summary>How long ingestion runs.</summary>
public enum RunMode
{
    /// <summary>Polls and watches until the host stops.</summary>
    Continuous,

    /// <summary>One pass over every source, then the host stops with an exit code that tells how it went.</summary>
    Single,
}
