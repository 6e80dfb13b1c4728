using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Rag.Ingestion;

/// <summary>Settings of the ingestion engine.</summary>
public sealed record IngestionOptions
{
    /// <summary>Default of <see cref="MaxDeleteShare"/>: half.</summary>
    public const double DefaultMaxDeleteShare = 0.5;

    /// <summary>Default of <see cref="DeleteGuardMinimum"/>.</summary>
    public const int DefaultDeleteGuardMinimum = 10;

    /// <summary>
    /// Documents that are read and chunked at the same time, beside those that are being embedded. 1, with one request to the model at a
    /// time, does one thing after the other. Default: the number of cores, 2 to 8.
    /// </summary>
    public int MaxConcurrency { get; set; } = Math.Clamp(Environment.ProcessorCount, 2, 8);

    /// <summary>
    /// Requests that the embedding model is sent at the same time. Null, the default: as many as <see cref="MaxConcurrency"/>. More suit a
    /// model that is far away and has much room.
    /// </summary>
    public int? EmbeddingConcurrency { get; set; }

    /// <summary>
    /// How long a run takes further documents. It finishes those in hand, and the next run goes on with the rest. Null, the default: until
    /// nothing is due.
    /// </summary>
    public TimeSpan? MaxRunTime { get; set; }

    /// <summary>
    /// What a million tokens cost at the embedding model, in any currency. With it plans and reports say what embedding costs. Tokens are
    /// estimated, see <see cref="Chunking.TokenEstimator"/>: the provider's bill decides.
    /// </summary>
    public decimal? EmbeddingPrice { get; set; }

    /// <summary>
    /// What a run may spend on embeddings, in the currency of <see cref="EmbeddingPrice"/>, which it needs. When that is spent, it finishes
    /// the documents in hand, so it may spend a few requests more; the next run goes on with the rest. Null, the default: no limit.
    /// </summary>
    public decimal? MaxRunCost { get; set; }

    /// <summary>
    /// The share of a source's documents (0 to 1) that may vanish between two listings. When more are gone, and more than
    /// <see cref="DeleteGuardMinimum"/>, nothing is deleted: a missing mount looks just like that.
    /// </summary>
    public double MaxDeleteShare { get; set; } = DefaultMaxDeleteShare;

    /// <summary>Up to this many documents may vanish whatever their share.</summary>
    public int DeleteGuardMinimum { get; set; } = DefaultDeleteGuardMinimum;

    /// <summary>Confirms a mass deletion that <see cref="MaxDeleteShare"/> would hold back.</summary>
    public bool AllowMassDelete { get; set; }

    /// <summary>Most inputs in one embedding request. Default 64.</summary>
    public int EmbeddingBatchSize { get; set; } = 64;

    /// <summary>Most characters in one embedding request. Default 200,000, below the limits of the common providers.</summary>
    public int EmbeddingBatchCharacters { get; set; } = 200_000;

    /// <summary>Documents published before the lexical index is merged in mid-run; it bounds what queries overlay. Default 1,000.</summary>
    public int MergeAfter { get; set; } = 1_000;

    /// <summary>
    /// How text becomes terms in collections that are new. One that exists keeps what it was made with: ingest into another collection to
    /// change it. Default English; <see cref="AnalyzerOptions.Plain"/> for other languages.
    /// </summary>
    public AnalyzerOptions Analyzer { get; set; } = AnalyzerOptions.English;

    /// <summary>Largest file that is read, in bytes. A larger one is quarantined with that reason and never loaded.</summary>
    public long MaxBytes { get; set; } = Reading.ReadingOptions.DefaultMaxBytes;

    /// <summary>Largest text that is accepted, in UTF-16 code units.</summary>
    public int MaxTextLength { get; set; } = Reading.ReadingOptions.DefaultMaxTextLength;

    /// <summary>Wait before the first retry of a transient failure; doubled with each further one. Default 30 seconds.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Attempts at a document, all of them failed for a passing reason, after which it is quarantined with the last one. Default 10: about
    /// three hours.
    /// </summary>
    public int MaxAttempts { get; set; } = 10;

    /// <summary>
    /// How long a document that is being worked on belongs to its worker without a sign of life; a living one renews it. Default two minutes:
    /// so long the documents of a process that was killed wait for another one.
    /// </summary>
    public TimeSpan ClaimDuration { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Documents that a worker takes at once. Those that it reads at the same time share them; each part is embedded in common requests. Default 64.</summary>
    public int ClaimedAtOnce { get; set; } = 64;

    /// <summary>How long a source belongs to the process that plans it without a sign of life. Default 30 seconds.</summary>
    public TimeSpan PlannerLease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait between retries. Default one hour.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromHours(1);
}
