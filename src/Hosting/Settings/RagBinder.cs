using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Settings;

internal sealed class RagBinder(IConfiguration configuration, IServiceProviderIsService services)
    : OptionsBinder<RagOptions>(configuration, "Rag")
{
    protected override void Read(SettingsSection settings, RagOptions options)
    {
        options.Folder = settings.Text("Folder", options.Folder);
        options.FolderName = settings.Text("FolderName", options.FolderName);
        options.Pipeline = settings.Choice("Pipeline", options.Pipeline);
        options.SupportedMediaTypes = settings.List("SupportedMediaTypes", options.SupportedMediaTypes);
        options.TabularMediaTypes = settings.List("TabularMediaTypes", options.TabularMediaTypes);
        settings.Text("ConfigFile", null); // read before all others, by AddSlipway
        options.Collection = settings.Text("Collection", options.Collection);
        options.Interval = settings.Duration("Interval", options.Interval);
        options.RunMode = settings.Choice("RunMode", options.RunMode);
        settings.Section("Embedding"); // read by its own binder
        ReadChunking(settings.Section("Chunking"), options.Chunking);
        ReadIngestion(settings.Section("Ingestion"), options.Ingestion);
        ReadRetrieval(settings.Section("Retrieval"), options.Retrieval);
    }

    private static void ReadChunking(SettingsSection settings, ChunkingOptions options)
    {
        options.Mode = settings.Choice("Mode", options.Mode);
        options.Size = settings.Number("Size", options.Size);
        options.Overlap = settings.Number("Overlap", options.Overlap);
        settings.RejectUnknown();
    }

    private static void ReadIngestion(SettingsSection settings, IngestionOptions options)
    {
        options.MaxConcurrency = settings.Number("MaxConcurrency", options.MaxConcurrency);
        options.EmbeddingConcurrency = settings.Number("EmbeddingConcurrency", options.EmbeddingConcurrency);
        options.MaxRunTime = settings.Duration("MaxRunTime", options.MaxRunTime);
        options.EmbeddingPrice = settings.Amount("EmbeddingPrice", options.EmbeddingPrice);
        options.MaxRunCost = settings.Amount("MaxRunCost", options.MaxRunCost);
        options.MaxDeleteShare = settings.Fraction("MaxDeleteShare", options.MaxDeleteShare);
        options.DeleteGuardMinimum = settings.Number("DeleteGuardMinimum", options.DeleteGuardMinimum);
        options.AllowMassDelete = settings.Flag("AllowMassDelete", options.AllowMassDelete);
        options.EmbeddingBatchSize = settings.Number("EmbeddingBatchSize", options.EmbeddingBatchSize);
        options.EmbeddingBatchCharacters = settings.Number(
            "EmbeddingBatchCharacters",
            options.EmbeddingBatchCharacters
        );
        options.MergeAfter = settings.Number("MergeAfter", options.MergeAfter);
        options.MaxBytes = settings.Number("MaxBytes", options.MaxBytes);
        options.MaxTextLength = settings.Number("MaxTextLength", options.MaxTextLength);
        options.RetryDelay = settings.Duration("RetryDelay", options.RetryDelay);
        options.MaxRetryDelay = settings.Duration("MaxRetryDelay", options.MaxRetryDelay);
        options.MaxAttempts = settings.Number("MaxAttempts", options.MaxAttempts);
        options.ClaimDuration = settings.Duration("ClaimDuration", options.ClaimDuration);
        options.ClaimedAtOnce = settings.Number("ClaimedAtOnce", options.ClaimedAtOnce);
        options.PlannerLease = settings.Duration("PlannerLease", options.PlannerLease);
        var analyzer = settings.Section("Analyzer");
        options.Analyzer = new AnalyzerOptions
        {
            Stemming = analyzer.Flag("Stemming", options.Analyzer.Stemming),
            StopWords = analyzer.Flag("StopWords", options.Analyzer.StopWords),
        };
        analyzer.RejectUnknown();
        settings.RejectUnknown();
    }

    private static void ReadRetrieval(SettingsSection settings, RetrievalOptions options)
    {
        options.Fusion = settings.Choice("Fusion", options.Fusion);
        options.VectorWeight = settings.Fraction("VectorWeight", options.VectorWeight);
        options.CandidatesPerLeg = settings.Number("CandidatesPerLeg", options.CandidatesPerLeg);
        options.LexicalWhenEmbeddingFails = settings.Flag(
            "LexicalWhenEmbeddingFails",
            options.LexicalWhenEmbeddingFails
        );
        var bm25 = settings.Section("Bm25");
        options.Bm25 = new Bm25Options
        {
            K1 = bm25.Fraction("K1", options.Bm25.K1),
            B = bm25.Fraction("B", options.Bm25.B),
        };
        bm25.RejectUnknown();
        settings.RejectUnknown();
    }

    protected override IEnumerable<string> Check(RagOptions options)
    {
        if (options.Interval < TimeSpan.FromSeconds(1) || options.Interval > TimeSpan.FromDays(1))
        {
            yield return $"{Name("Interval")} is {options.Interval.TotalSeconds} seconds; set 1 to 86400.";
        }

        if (string.IsNullOrWhiteSpace(options.Collection))
        {
            yield return $"{Name("Collection")} is empty; name a collection, such as 'default'.";
        }

        if (options.FolderName is { } name && string.IsNullOrWhiteSpace(name))
        {
            yield return $"{Name("FolderName")} is empty; name the folder's source, such as 'local', or leave it out.";
        }

        if (Chunking(options.Chunking) is { } chunking)
        {
            yield return chunking;
        }

        foreach (var failure in CheckRanges(options.Ingestion, options.Retrieval))
        {
            yield return failure;
        }

        if (options.Ingestion is { MaxRunCost: not null, EmbeddingPrice: null })
        {
            yield return $"{Name("Ingestion:MaxRunCost")} is set and {Name("Ingestion:EmbeddingPrice")} is not; set the price of a million tokens.";
        }

        if (!services.IsService(typeof(IDocumentStore)))
        {
            yield return "There is no database; call UseSqlite(…), or another store's Use… method, on AddSlipway().";
        }

        foreach (var failure in AliasConfiguration.FileFailures(Configuration))
        {
            yield return failure;
        }
    }

    /// <summary>The chunkers know which sizes fit together.</summary>
    private static string? Chunking(ChunkingOptions options)
    {
        try
        {
            options.CreateChunker();
            return null;
        }
        catch (SlipwayException exception)
        {
            return $"Rag:Chunking: {exception.Message} {exception.Fix}";
        }
    }

    private static IEnumerable<string> CheckRanges(IngestionOptions ingestion, RetrievalOptions retrieval)
    {
        (string Key, double Value, double Min, double Max)[] ranges =
        [
            ("Ingestion:MaxConcurrency", ingestion.MaxConcurrency, 1, 64),
            ("Ingestion:EmbeddingConcurrency", ingestion.EmbeddingConcurrency ?? 1, 1, 256),
            ("Ingestion:MaxRunTime", ingestion.MaxRunTime?.TotalSeconds ?? 1, 1, 30 * 86_400),
            ("Ingestion:EmbeddingPrice", (double)(ingestion.EmbeddingPrice ?? 0), 0, 1_000_000),
            ("Ingestion:MaxRunCost", (double)(ingestion.MaxRunCost ?? 0), 0, 1_000_000_000),
            ("Ingestion:MaxDeleteShare", ingestion.MaxDeleteShare, 0, 1),
            ("Ingestion:DeleteGuardMinimum", ingestion.DeleteGuardMinimum, 0, int.MaxValue),
            ("Ingestion:EmbeddingBatchSize", ingestion.EmbeddingBatchSize, 1, 2_048),
            ("Ingestion:EmbeddingBatchCharacters", ingestion.EmbeddingBatchCharacters, 1, int.MaxValue),
            ("Ingestion:MergeAfter", ingestion.MergeAfter, 1, int.MaxValue),
            ("Ingestion:MaxBytes", ingestion.MaxBytes, 1, int.MaxValue / 2),
            ("Ingestion:MaxTextLength", ingestion.MaxTextLength, 1, int.MaxValue / 2),
            ("Ingestion:RetryDelay", ingestion.RetryDelay.TotalSeconds, 1, 86_400),
            ("Ingestion:MaxRetryDelay", ingestion.MaxRetryDelay.TotalSeconds, 1, 86_400),
            ("Ingestion:MaxAttempts", ingestion.MaxAttempts, 1, int.MaxValue),
            ("Ingestion:ClaimDuration", ingestion.ClaimDuration.TotalSeconds, 1, 86_400),
            ("Ingestion:ClaimedAtOnce", ingestion.ClaimedAtOnce, 1, 1_000),
            ("Ingestion:PlannerLease", ingestion.PlannerLease.TotalSeconds, 1, 86_400),
            ("Retrieval:VectorWeight", retrieval.VectorWeight, 0, 1),
            ("Retrieval:Bm25:K1", retrieval.Bm25.K1, 0, 10),
            ("Retrieval:Bm25:B", retrieval.Bm25.B, 0, 1),
            ("Retrieval:CandidatesPerLeg", retrieval.CandidatesPerLeg, 1, 10_000),
        ];
        return ranges
            .Where(range => !(range.Value >= range.Min && range.Value <= range.Max))
            .Select(range =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Rag:{range.Key} is {range.Value}; set {range.Min} to {range.Max}."
                )
            );
    }
}
