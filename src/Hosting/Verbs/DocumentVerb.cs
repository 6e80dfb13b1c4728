using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Verbs;

/// <summary>A verb about one document of the host's collection, named by its id, its identity within its source, or its name.</summary>
internal abstract class DocumentVerb : Verb
{
    protected const string Source = "--source";

    public override IReadOnlyList<string> Options => [Source + "="];

    public override string? Operand => "DOCUMENT";

    protected static IDocumentMaintenance Maintenance(IServiceProvider services) =>
        Store<IDocumentMaintenance>(services, "with documents");

    protected static CollectionKey Collection(IServiceProvider services) =>
        services.GetRequiredService<IOptions<RagOptions>>().Value.CollectionKey;

    /// <exception cref="SlipwayException">None was named.</exception>
    protected string Named(VerbOptions options) =>
        options.Operand ?? throw Wrong($"{Name} does not say which document.");

    /// <summary>The one document that is meant; null when there is none.</summary>
    /// <exception cref="SlipwayException">None was named, or several sources have one of that name.</exception>
    protected async Task<DocumentInfo?> FindAsync(
        IServiceProvider services,
        VerbOptions options,
        CancellationToken cancellationToken
    )
    {
        var named = Named(options);
        var found = await Maintenance(services)
            .FindAsync(Collection(services), named, options.Find(Source), cancellationToken)
            .ConfigureAwait(false);
        return found switch
        {
            [] => null,
            [var document] => document,
            _ => found.FirstOrDefault(document => document.Id == named)
                ?? throw new SlipwayException(
                    ErrorClass.Configuration,
                    $"{found.Count} documents are called '{named}'.",
                    $"Name the source with {Source}, or write the id: {string.Join(", ", found.Select(document => $"{document.Id} (source {document.Source})"))}."
                ),
        };
    }

    /// <summary>Not a wrong command line: somebody may have deleted it meanwhile.</summary>
    protected static SlipwayException NotFound(IServiceProvider services, VerbOptions options) =>
        new(
            ErrorClass.Permanent,
            $"There is no document '{options.Operand}' in the collection '{Collection(services).Collection}'.",
            "Write its id, or its name with its path inside the source. Another collection is --Rag:Collection=NAME."
        );
}
