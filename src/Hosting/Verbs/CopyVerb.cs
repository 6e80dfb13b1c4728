using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Hosting.Verbs;

/// <summary><c>copy --to ADDRESS</c>: copies the host's store to an empty one, or goes on with a copy that was interrupted.</summary>
internal sealed class CopyVerb : Verb
{
    private const string To = "--to";

    public override string Name => "copy";

    public override string Usage => $"{To} ADDRESS";

    public override string Summary => "Copies the store to an empty one, or goes on with a copy that was interrupted.";

    public override IReadOnlyList<string> Options => [To + "="];

    public override async Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        var providers = services.GetServices<IStoreProvider>().ToList();
        var examples = string.Join(" or ", providers.Select(provider => provider.Example));
        var address =
            options.Find(To)
            ?? throw new SlipwayException(
                ErrorClass.Configuration,
                "copy does not say where to.",
                $"Write copy {To} ADDRESS, such as {examples}."
            );
        var source = Store<IStoreTables>(services, "that can be copied");
        var target =
            providers.Select(provider => provider.TryOpen(address)).FirstOrDefault(opened => opened is not null)
            // Not the address itself: it may hold a password.
            ?? throw new SlipwayException(
                ErrorClass.Configuration,
                $"No store of this host understands the address after {To}.",
                $"This host opens {examples}. Another engine needs its package and one call, such as AddPostgresCopy()."
            );
        await using (target.ConfigureAwait(false))
        {
            await output.WriteLineAsync($"copying {source.Name} to {target.Name}").ConfigureAwait(false);
            var progress = new Lines(output, services.GetService<TimeProvider>() ?? TimeProvider.System);
            var tables = await new StoreCopy(source, target, progress)
                .RunAsync(cancellationToken)
                .ConfigureAwait(false);
            foreach (var table in tables)
            {
                await output
                    .WriteLineAsync(
                        string.Create(CultureInfo.InvariantCulture, $"{table.Table} {table.Rows} {table.Hash}")
                    )
                    .ConfigureAwait(false);
            }

            await output
                .WriteLineAsync("copied, compared and equal; the store itself was not changed")
                .ConfigureAwait(false);
            return 0;
        }
    }

    /// <summary>A line for each table that is done, and now and then one for a large table.</summary>
    private sealed class Lines(TextWriter output, TimeProvider time) : IProgress<StoreCopyProgress>
    {
        private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

        private long _last = time.GetTimestamp();

        public void Report(StoreCopyProgress value)
        {
            var isDone = value.Rows >= value.Total;
            if (isDone ? value.Total > 0 && value.Step == StoreCopyStep.Copying : time.GetElapsedTime(_last) >= Pause)
            {
                _last = time.GetTimestamp();
                output.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{(value.Step == StoreCopyStep.Copying ? "copying" : "comparing")} {value.Table}: {value.Rows} of {value.Total} rows"
                    )
                );
            }
        }
    }
}
