using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Startup;

/// <summary>
/// While <see cref="SlipwayHost"/> starts a host, the host's and Kestrel's own reports of a failed start are held back: they print a
/// stack trace for what is said in two sentences afterwards. Everything else about their logging stays as it was configured.
/// </summary>
internal sealed class StartupLogFilter : IPostConfigureOptions<LoggerFilterOptions>
{
    private static readonly string[] Reporters =
    [
        "Microsoft.Extensions.Hosting.Internal.Host",
        "Microsoft.AspNetCore.Server.Kestrel",
    ];

    /// <summary>Set while a failure will be reported by somebody else.</summary>
    public bool Active { get; set; }

    public void PostConfigure(string? name, LoggerFilterOptions options)
    {
        var configured = options.Rules.ToArray();
        string?[] providers = [null, .. configured.Select(rule => rule.ProviderName).OfType<string>().Distinct()];
        foreach (var category in Reporters)
        {
            foreach (var provider in providers)
            {
                // The most specific rule wins, so this one repeats what would have applied without it.
                var rule = Applying(configured, provider, category);
                options.Rules.Add(
                    new LoggerFilterRule(
                        provider,
                        category,
                        rule is null ? options.MinLevel : rule.LogLevel,
                        (logger, source, level) =>
                            (!Active || level < LogLevel.Warning)
                            && (rule?.Filter is not { } filter || filter(logger, source, level))
                    )
                );
            }
        }
    }

    // As the logging framework chooses: a provider's own rules first, then the longest category, then the last.
    private static LoggerFilterRule? Applying(LoggerFilterRule[] rules, string? provider, string category) =>
        rules
            .Where(rule => rule.ProviderName is null || rule.ProviderName == provider)
            .Where(rule => category.StartsWith(rule.CategoryName ?? "", StringComparison.OrdinalIgnoreCase))
            .OrderBy(rule => rule.ProviderName is not null)
            .ThenBy(rule => rule.CategoryName?.Length ?? -1)
            .LastOrDefault();
}
