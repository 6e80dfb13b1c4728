using Microsoft.Extensions.Configuration;

namespace Slipway.Hosting.Settings;

internal sealed class RagBinder(IConfiguration configuration) : OptionsBinder<RagOptions>(configuration, "Rag")
{
    protected override void Read(SettingsSection settings, RagOptions options)
    {
        options.Folder = settings.Text("Folder", options.Folder);
        options.Collection = settings.Text("Collection", options.Collection);
        options.Interval = settings.Duration("Interval", options.Interval);
        options.RunMode = settings.Choice("RunMode", options.RunMode);
        settings.Section("Embedding"); // read by its own binder
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

        foreach (var failure in AliasConfiguration.FileFailures(Configuration))
        {
            yield return failure;
        }
    }
}
