using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Slipway.Hosting.Settings;

/// <summary>
/// Answers for a section's setting from its flat alias, or from the file that <c>NAME_FILE</c> names. Of all sources
/// only <see cref="OlderConfigFile"/> is weaker: a section's own value wins wherever it was set.
/// </summary>
internal sealed class AliasConfiguration(IConfiguration root) : IConfigurationSource, IConfigurationProvider
{
    public const string FileSuffix = "_FILE";

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public bool TryGet(string key, out string? value)
    {
        value = Find(key)?.Value;
        return value is not null;
    }

    /// <summary>The name and the value that stand for a setting, read from the other sources at this moment.</summary>
    public (string Name, string Value)? Find(string key)
    {
        // Only settings of sections: a look at a flat name below must not come back here.
        if (
            !key.Contains(':', StringComparison.Ordinal) || key.EndsWith(FileSuffix, StringComparison.OrdinalIgnoreCase)
        )
        {
            return null;
        }

        foreach (var alias in Alias.All)
        {
            if (alias.Key.Equals(key, StringComparison.OrdinalIgnoreCase) && FindFlat(alias.Name) is { } flat)
            {
                var converted = alias.Convert is null ? flat.Value : alias.Convert(flat.Value);
                if (converted is not null)
                {
                    return (flat.Name, converted);
                }
            }
        }

        return FromFile(key);
    }

    public IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath)
    {
        var prefix = parentPath is null ? "" : parentPath + ConfigurationPath.KeyDelimiter;
        return Alias
            .All.Where(alias =>
                alias.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && Find(alias.Key) is not null
            )
            .Select(alias => alias.Key[prefix.Length..].Split(':')[0])
            .Concat(earlierKeys)
            .Order(ConfigurationKeyComparer.Instance);
    }

    public IChangeToken GetReloadToken() => new CancellationChangeToken(CancellationToken.None);

    public void Load() { }

    public void Set(string key, string? value) { } // never the place where a value is kept

    private (string Name, string Value)? FindFlat(string name) =>
        root[name] is { Length: > 0 } value ? (name, value) : FromFile(name);

    private (string Name, string Value)? FromFile(string name)
    {
        var path = root[name + FileSuffix];
        if (string.IsNullOrEmpty(path))
        {
            return null;
        }

        try
        {
            return (name + FileSuffix, File.ReadAllText(path).TrimEnd('\r', '\n'));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // reported with all other failures by FileFailures
        }
    }

    /// <summary>Every <c>…_FILE</c> setting that Slipway would use and whose file cannot be read.</summary>
    public static IEnumerable<string> FileFailures(IConfiguration configuration)
    {
        var names = Alias
            .All.Select(alias => alias.Name)
            .Concat(Alias.All.Select(alias => alias.Key))
            .Distinct(StringComparer.OrdinalIgnoreCase);
        foreach (var name in names)
        {
            var path = configuration[name + FileSuffix];
            if (string.IsNullOrEmpty(path))
            {
                continue;
            }

            string? problem = null;
            try
            {
                File.OpenRead(path).Dispose();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                problem = exception.Message;
            }

            if (problem is not null)
            {
                yield return $"{name}{FileSuffix} names a file that cannot be read: {problem} Mount the file, or set {name} instead.";
            }
        }
    }
}
