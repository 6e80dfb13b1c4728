using System.Globalization;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Verbs;

/// <summary><c>erase DOCUMENT --yes</c>: removes every trace of a document.</summary>
internal sealed class EraseVerb : DocumentVerb
{
    private const string Yes = "--yes";

    public override string Name => "erase";

    public override string Usage => $"DOCUMENT [{Source} NAME] {Yes}";

    public override string Summary =>
        "Removes every trace of a document, quotes in stored answers and the database's free space included.";

    public override IReadOnlyList<string> Options => [.. base.Options, Yes];

    public override async Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        var named = Named(options);
        if (!options.Has(Yes))
        {
            throw Wrong($"Nothing was erased: '{named}' would be gone for good, and {Yes} was not given.");
        }

        var document = await FindAsync(services, options, cancellationToken).ConfigureAwait(false);
        // By its id also one that is gone: it may have left traces.
        var id = document?.Id ?? named;
        if (document is not null)
        {
            await output.WriteLineAsync($"erasing {document.Name} ({id})").ConfigureAwait(false);
        }

        var erased =
            await Maintenance(services).EraseAsync(Collection(services), id, cancellationToken).ConfigureAwait(false)
            ?? throw NotFound(services, options);
        foreach (var line in Lines(erased))
        {
            await output.WriteLineAsync(line).ConfigureAwait(false);
        }

        if (document is { Source: not "inbox" })
        {
            await output
                .WriteLineAsync($"the source '{document.Source}' brings it back while it still lists it")
                .ConfigureAwait(false);
        }

        return erased.FreeSpaceCleaned
            ? 0
            : throw new SlipwayException(
                ErrorClass.Transient,
                "The database's free space was not cleaned: this login may not, or somebody kept reading.",
                $"Run {Name} {id} {Yes} again, on PostgreSQL with a login of slipway_owner."
            );
    }

    private static IEnumerable<string> Lines(DocumentErasure erased)
    {
        yield return Line("documents", erased.Documents);
        yield return Line("versions", erased.Versions);
        yield return Line("chunks", erased.Chunks);
        yield return Line("rows", erased.Rows);
        yield return Line("attempts", erased.Attempts);
        yield return Line("embeddings", erased.Embeddings);
        yield return Line("blobs", erased.Blobs);
        yield return Line("messages changed", erased.Messages);
        yield return Line("turn records changed", erased.TurnRecords);
        yield return Line("reports changed", erased.Reports);

        static string Line(string kind, int count) => string.Create(CultureInfo.InvariantCulture, $"{kind}: {count}");
    }
}
