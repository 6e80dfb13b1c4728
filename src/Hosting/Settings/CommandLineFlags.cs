using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Primitives;

namespace Slipway.Hosting.Settings;

/// <summary>
/// Answers for a section's setting from the older system's flag: <c>--interval 5</c>. Read from the command line alone, because short
/// names like these mean something else in many environments, and as strong as it.
/// </summary>
internal sealed class CommandLineFlags(IConfigurationRoot root) : IConfigurationSource, IConfigurationProvider
{
    private static readonly (string Flag, string Key)[] Flags =
    [
        ("pipeline", "Rag:Pipeline"),
        ("mode", "Rag:RunMode"),
        ("config", "Rag:ConfigFile"),
        ("directory", "Rag:Folder"),
        ("interval", "Rag:Interval"),
    ];

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    /// <summary>The flag and its value that stand for a setting.</summary>
    public (string Name, string Value)? Find(string key)
    {
        foreach (var (flag, setting) in Flags)
        {
            if (!setting.Equals(key, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            foreach (var commandLine in root.Providers.OfType<CommandLineConfigurationProvider>().Reverse())
            {
                if (commandLine.TryGet(flag, out var value) && value is { Length: > 0 })
                {
                    return ("--" + flag, value);
                }
            }
        }

        return null;
    }

    public bool TryGet(string key, out string? value)
    {
        value = Find(key)?.Value;
        return value is not null;
    }

    public IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath)
    {
        var prefix = parentPath is null ? "" : parentPath + ConfigurationPath.KeyDelimiter;
        return Flags
            .Where(flag =>
                flag.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && Find(flag.Key) is not null
            )
            .Select(flag => flag.Key[prefix.Length..].Split(':')[0])
            .Concat(earlierKeys)
            .Order(ConfigurationKeyComparer.Instance);
    }

    public IChangeToken GetReloadToken() => new CancellationChangeToken(CancellationToken.None);

    public void Load() { }

    public void Set(string key, string? value) { } // never the place where a value is kept
}
