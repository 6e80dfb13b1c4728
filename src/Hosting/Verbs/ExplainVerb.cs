using System.Globalization;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Verbs;

/// <summary><c>explain DOCUMENT</c>: prints everything that is known of a document.</summary>
internal sealed class ExplainVerb : DocumentVerb
{
    private const int Attempts = 10;

    public override string Name => "explain";

    public override string Usage => $"DOCUMENT [{Source} NAME]";

    public override string Summary =>
        "Prints where a document stands, who holds it, its last errors and what happens next.";

    public override async Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        var explanation =
            await FindAsync(services, options, cancellationToken).ConfigureAwait(false) is { } document
            && await Maintenance(services)
                .ExplainAsync(Collection(services), document.Id, Attempts, cancellationToken)
                .ConfigureAwait(false)
                is { } known
                ? known
                : throw NotFound(services, options);
        foreach (var line in Lines(explanation))
        {
            await output.WriteLineAsync(line).ConfigureAwait(false);
        }

        return 0;
    }

    private static IEnumerable<string> Lines(DocumentExplanation explanation)
    {
        var document = explanation.Document;
        yield return $"document: {document.Id}";
        yield return $"name: {document.Name}";
        yield return $"title: {document.Title}";
        yield return $"source: {document.Source}";
        yield return $"external id: {document.ExternalId}";
        yield return $"state: {Text(document.State)}";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"version: {document.Version} ({document.Chunks} chunks, published {Text(document.PublishedAt)})"
        );
        yield return $"first seen: {Text(explanation.CreatedAt)}, last looked at: {Text(explanation.SeenAt)}";
        yield return explanation.Owner is { } owner
            ? $"owner: {owner}, {(explanation.IsHeld ? "until" : "not any more since")} {Text(explanation.ClaimedUntil)}"
            : "owner: nobody";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"attempts since the last success: {document.Attempts}"
        );
        yield return document.Error is { } error
            ? $"last error: {Text(document.ErrorClass)}: {error}"
            : "last error: none";
        yield return $"next action: {Text(document.NextActionAt)}";
        foreach (var attempt in explanation.Attempts)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"attempt: {Text(attempt.StartedAt)}, {attempt.Duration.TotalSeconds:0.0} s, {attempt.Outcome}"
            ) + (attempt.Error is null ? "" : $", {Text(attempt.ErrorClass)}: {attempt.Error}");
        }
    }

    private static string Text(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "never";

    private static string? Text(Enum? value) => value?.ToString().ToLowerInvariant();
}
