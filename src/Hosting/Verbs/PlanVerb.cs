using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Ingestion;
using Slipway.Rag.Ingestion;

namespace Slipway.Hosting.Verbs;

/// <summary><c>plan</c>: prints what the next run would do to each source's documents, and changes nothing.</summary>
internal sealed class PlanVerb : Verb
{
    public override string Name => "plan";

    public override string Usage => "";

    public override string Summary => "Prints what the next run would do, document by document, and changes nothing.";

    public override IReadOnlyList<string> Options => [];

    public override async Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        var sources =
            services.GetService<DocumentSources>()
            ?? throw new SlipwayException(
                ErrorClass.Configuration,
                "This host ingests nothing, so there is nothing to plan.",
                "Add it: AddRag().AddFolder(path).AddIngestion()."
            );
        var pipeline = services.GetRequiredService<IngestionPipeline>();
        var rag = services.GetRequiredService<IOptions<RagOptions>>().Value;
        var embeds = services.GetService<IEmbeddingGenerator<string, Embedding<float>>>() is not null;
        foreach (var source in sources.All)
        {
            var plan = await pipeline.PlanAsync(source, rag.CollectionKey, cancellationToken).ConfigureAwait(false);
            foreach (var line in Lines(plan).Concat(embeds ? Embedding(plan, rag.Ingestion.EmbeddingPrice) : []))
            {
                await output.WriteLineAsync(line).ConfigureAwait(false);
            }

            await output
                .WriteLineAsync(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{source.Name}: {plan.Work.Count} to read, {plan.Moved.Count} moved, {plan.Gone.Count} to delete, {plan.Unchanged} unchanged, {plan.Resting} resting"
                    )
                )
                .ConfigureAwait(false);
        }

        if (
            await pipeline.PlanEmbeddingsAsync(rag.CollectionKey, cancellationToken).ConfigureAwait(false) is
            { } embeddings
        )
        {
            await output.WriteLineAsync(Line(embeddings, rag.Ingestion.EmbeddingPrice)).ConfigureAwait(false);
        }

        return 0;
    }

    private static IEnumerable<string> Lines(IngestionPlan plan)
    {
        foreach (var moved in plan.Moved)
        {
            yield return $"move {moved.Entry.ExternalId} -> {moved.Document.ExternalId}";
        }

        foreach (var gone in plan.Gone)
        {
            yield return $"delete {gone.ExternalId}";
        }

        foreach (var (document, reason) in plan.Work)
        {
            var verb = reason switch
            {
                PlanReason.New or PlanReason.Waiting => "add",
                PlanReason.Retry => "retry",
                _ => "read",
            };
            yield return $"{verb} {document.ExternalId}";
        }

        if (plan.HeldDeletes > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"held back: {plan.HeldDeletes} documents are gone at once and would not be deleted; {nameof(IngestionOptions.AllowMassDelete)} confirms it for one run"
            );
        }

        foreach (var gap in plan.Gaps)
        {
            yield return $"not listed: {(gap.Prefix.Length == 0 ? "all of it" : gap.Prefix)}: {gap.Reason}";
        }
    }

    private static IEnumerable<string> Embedding(IngestionPlan plan, decimal? price)
    {
        if (plan.Work.Count > 0)
        {
            yield return $"embed at most about {Tokens(plan.EstimatedTokens, price)}";
        }
    }

    private static string Line(EmbeddingPlan plan, decimal? price)
    {
        var chunks = string.Create(CultureInfo.InvariantCulture, $"embed {plan.Chunks:N0} chunks");
        var tokens = Tokens(plan.EstimatedTokens, price);
        return plan.IsChange
            ? $"{chunks} by the new model '{plan.Model}', about {tokens}; until then {(plan.Answering is { } model ? $"'{model}' answers" : "words alone answer")}"
            : $"{chunks} that have no vector by '{plan.Model}', about {tokens}";
    }

    private static string Tokens(long tokens, decimal? price) =>
        string.Create(CultureInfo.InvariantCulture, $"{tokens:N0} tokens")
        + (
            price is null
                ? ""
                : string.Create(CultureInfo.InvariantCulture, $", for {tokens * price.Value / 1_000_000:N4}")
        );
}
