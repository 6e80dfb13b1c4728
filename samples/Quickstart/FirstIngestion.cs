using Slipway.Hosting;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Quickstart;

/// <summary>Reads the folder once, with a progress bar, before anything is asked.</summary>
internal sealed class FirstIngestion(IngestionPipeline pipeline, IDocumentSource source, TimeProvider time)
    : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var folder = (LocalFolderSource)source;
        var progress = ConsoleIngestionProgress.OnStandardError(time);
        var report = await pipeline.RunAsync(folder, CollectionKey.Default, progress, cancellationToken);
        foreach (var error in report.Errors)
        {
            await Console.Error.WriteLineAsync($"Not read: {error.Name}: {error.Message}");
        }

        foreach (var gap in report.Gaps)
        {
            await Console.Error.WriteLineAsync($"Not listed: {gap}");
        }

        if (report.HeldDeletes > 0)
        {
            await Console.Error.WriteLineAsync(
                $"{report.HeldDeletes} documents are not in '{folder.Path}' any more. So many at once look like a mistake: they were kept."
            );
        }

        if (report.Added + report.Changed + report.Moved + report.Unchanged == 0)
        {
            await Console.Error.WriteLineAsync(
                $"'{folder.Path}' holds no documents that can be read. Put .md, .txt, .csv or .json files into it, or name another with --folder."
            );
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
