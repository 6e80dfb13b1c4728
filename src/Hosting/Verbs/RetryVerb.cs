using System.Globalization;

namespace Slipway.Hosting.Verbs;

/// <summary><c>retry [DOCUMENT] [--all]</c>: makes a document, or all that failed or are in quarantine, due at once.</summary>
internal sealed class RetryVerb : DocumentVerb
{
    private const string Everything = "--all";

    public override string Name => "retry";

    public override string Usage => $"DOCUMENT [{Source} NAME], or {Name} {Everything}";

    public override string Summary => "Makes a document, or all that failed or are in quarantine, due at once.";

    public override IReadOnlyList<string> Options => [.. base.Options, Everything];

    public override async Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        if (options.Has(Everything) == options.Operand is not null)
        {
            throw Wrong($"{Name} takes either a document or {Everything}.");
        }

        if (options.Has(Everything) && options.Has(Source))
        {
            throw Wrong($"{Name} {Everything} is about every source, and {Source} names one.");
        }

        var (maintenance, collection) = (Maintenance(services), Collection(services));
        if (options.Has(Everything))
        {
            var due = await maintenance.RetryAllAsync(collection, cancellationToken).ConfigureAwait(false);
            await output
                .WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{due} documents are due now"))
                .ConfigureAwait(false);
            return 0;
        }

        var document =
            await FindAsync(services, options, cancellationToken).ConfigureAwait(false)
            ?? throw NotFound(services, options);
        var retried = await maintenance.RetryAsync(collection, [document.Id], cancellationToken).ConfigureAwait(false);
        await output
            .WriteLineAsync(
                retried > 0
                    ? $"{document.Name} is due now"
                    : $"{document.Name} is left alone: a worker is trying it at this moment"
            )
            .ConfigureAwait(false);
        return 0;
    }
}
