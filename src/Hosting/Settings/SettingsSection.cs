using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace Slipway.Hosting.Settings;

/// <summary>
/// Reads the settings of one section. What cannot be read becomes a failure that names the setting as it was given, and the default
/// stays, so that all failures are found in one go.
/// </summary>
internal sealed class SettingsSection(IConfiguration configuration, string path, ICollection<string> failures)
{
    private const string DurationFormat = "a number of seconds or hh:mm:ss";

    private readonly SortedSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    public string Path => path;

    [return: NotNullIfNotNull(nameof(fallback))]
    public string? Text(string key, string? fallback) => Raw(key) ?? fallback;

    public int Number(string key, int fallback) => Number(key, (int?)fallback) ?? fallback;

    public int? Number(string key, int? fallback) =>
        Parse(
            key,
            fallback,
            "a whole number",
            (string text, out int? value) =>
            {
                var isNumber = int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number);
                value = number;
                return isNumber;
            }
        );

    public long Number(string key, long fallback) =>
        Parse(
            key,
            fallback,
            "a whole number",
            (string text, out long value) =>
                long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out value)
        );

    public double Fraction(string key, double fallback) =>
        Parse(
            key,
            fallback,
            "a number such as 0.5",
            (string text, out double value) =>
                double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
        );

    public decimal? Amount(string key, decimal? fallback) =>
        Parse(
            key,
            fallback,
            "an amount such as 0.02",
            (string text, out decimal? value) =>
            {
                var isNumber = decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number);
                value = number;
                return isNumber;
            }
        );

    public bool Flag(string key, bool fallback) => Parse<bool>(key, fallback, "true or false", bool.TryParse);

    /// <summary>Seconds as a number, as the flat names have them, or <c>hh:mm:ss</c>.</summary>
    public TimeSpan? Duration(string key, TimeSpan? fallback) =>
        Parse(
            key,
            fallback,
            DurationFormat,
            (string text, out TimeSpan? value) =>
            {
                var isDuration = TryParseDuration(text, out var duration);
                value = duration;
                return isDuration;
            }
        );

    /// <inheritdoc cref="Duration(string, TimeSpan?)"/>
    public TimeSpan Duration(string key, TimeSpan fallback) =>
        Parse<TimeSpan>(key, fallback, DurationFormat, TryParseDuration);

    public Uri? Url(string key, Uri? fallback) =>
        Parse<Uri?>(key, fallback, "an absolute http or https URL", TryParseUrl);

    public TEnum Choice<TEnum>(string key, TEnum fallback)
        where TEnum : struct, Enum =>
        Parse<TEnum>(
            key,
            fallback,
            "one of " + string.Join(", ", Enum.GetNames<TEnum>().Select(JsonNamingPolicy.SnakeCaseLower.ConvertName)),
            (string text, out TEnum value) =>
                Enum.TryParse(text.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out value)
                && Enum.IsDefined(value)
                && !char.IsAsciiDigit(text[0])
        );

    /// <summary>A list: <c>Key:0</c>, <c>Key:1</c> …, or one value with commas.</summary>
    public IReadOnlyList<string> List(string key, IReadOnlyList<string> fallback)
    {
        var items = configuration
            .GetSection($"{path}:{key}")
            .GetChildren()
            .Select(child => child.Value)
            .OfType<string>()
            .ToList();
        return Raw(key) is { } text
                ? text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : items.Count > 0 ? items
            : fallback;
    }

    /// <summary>A section inside of this one.</summary>
    public SettingsSection Section(string key)
    {
        _known.Add(key);
        return new SettingsSection(configuration, $"{path}:{key}", failures);
    }

    /// <summary>A list of sections: <c>Key:0:…</c>, <c>Key:1:…</c>, in the order of their numbers.</summary>
    public IReadOnlyList<SettingsSection> Sections(string key)
    {
        _known.Add(key);
        return
        [
            .. configuration
                .GetSection($"{path}:{key}")
                .GetChildren()
                .Select(child => new SettingsSection(configuration, child.Path, failures)),
        ];
    }

    /// <summary>Reports settings that nobody reads: a misspelt name must not be a default in disguise.</summary>
    public void RejectUnknown()
    {
        foreach (var child in configuration.GetSection(path).GetChildren())
        {
            var name = child.Key.EndsWith(AliasConfiguration.FileSuffix, StringComparison.OrdinalIgnoreCase)
                ? child.Key[..^AliasConfiguration.FileSuffix.Length]
                : child.Key;
            if (!_known.Contains(name))
            {
                failures.Add($"{child.Path} is not a setting. {path} has: {string.Join(", ", _known)}.");
            }
        }
    }

    private string? Raw(string key)
    {
        _known.Add(key);
        return configuration[$"{path}:{key}"] is { Length: > 0 } value ? value : null;
    }

    private T Parse<T>(string key, T fallback, string expected, Parser<T> parser)
    {
        if (Raw(key) is not { } text)
        {
            return fallback;
        }

        if (parser(text.Trim(), out var value))
        {
            return value;
        }

        failures.Add($"{NameInUse(key)} is '{text}'; expected is {expected}.");
        return fallback;
    }

    /// <summary>The name under which the value was given: the setting's own or its alias.</summary>
    public string NameInUse(string key) => NameInUse(configuration, $"{path}:{key}");

    /// <inheritdoc cref="NameInUse(string)"/>
    public static string NameInUse(IConfiguration configuration, string key)
    {
        var provider = (configuration as IConfigurationRoot)?.Providers.LastOrDefault(candidate =>
            candidate.TryGet(key, out _)
        );
        var name = provider switch
        {
            AliasConfiguration aliases => aliases.Find(key)?.Name,
            CommandLineFlags flags => flags.Find(key)?.Name,
            OlderConfigFile file => file.FindField(key),
            _ => null,
        };
        return name is null ? key : $"{name} ({key})";
    }

    private static bool TryParseDuration(string text, out TimeSpan value)
    {
        if (
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            && Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds
        )
        {
            value = TimeSpan.FromSeconds(seconds);
            return true;
        }

        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryParseUrl(string text, out Uri? value) =>
        Uri.TryCreate(text, UriKind.Absolute, out value) && value.Scheme is "http" or "https";

    private delegate bool Parser<T>(string text, out T value);
}
