using System.Globalization;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Hosting.Verbs;

/// <summary><c>migrate [--dry-run]</c>: brings the store's schema up to date, or prints what that would run.</summary>
internal sealed class MigrateVerb : Verb
{
    private const string DryRun = "--dry-run";

    public override string Name => "migrate";

    public override string Usage => $"[{DryRun}]";

    public override string Summary => "Brings the store's schema up to date, or prints what that would run.";

    public override IReadOnlyList<string> Options => [DryRun];

    public override async Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        var schema = Store<IStoreSchema>(services, "to migrate");
        var pending = await schema.FindPendingAsync(cancellationToken).ConfigureAwait(false);
        if (!options.Has(DryRun))
        {
            await schema.MigrateAsync(cancellationToken).ConfigureAwait(false);
        }

        foreach (var migration in pending)
        {
            // As a comment, so that a dry run's output can be run by hand as it is.
            await output
                .WriteLineAsync(
                    string.Create(CultureInfo.InvariantCulture, $"-- {migration.Number:0000} {migration.Name}")
                )
                .ConfigureAwait(false);
            if (options.Has(DryRun))
            {
                await output.WriteLineAsync(migration.Sql).ConfigureAwait(false);
            }
        }

        await output
            .WriteLineAsync(
                pending.Count == 0 ? "-- the schema is up to date"
                : options.Has(DryRun) ? "-- nothing was run"
                : "-- the schema is up to date now"
            )
            .ConfigureAwait(false);
        return 0;
    }
}
