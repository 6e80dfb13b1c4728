using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Startup;

/// <summary>
/// While <see cref="SlipwayHost"/> starts a host, the host's and Kestrel's own reports of a failed start are held back: they print a
/// stack trace for what is said in two sentences afterwards.
/// </summary>
internal sealed class StartupLogFilter : IConfigureOptions<LoggerFilterOptions>
{
    private static readonly string[] Reporters =
    [
        "Microsoft.Extensions.Hosting.Internal.Host",
        "Microsoft.AspNetCore.Server.Kestrel",
    ];

    /// <summary>Set while a failure will be reported by somebody else.</summary>
    public bool Active { get; set; }

    public void Configure(LoggerFilterOptions options)
    {
        foreach (var category in Reporters)
        {
            options.Rules.Add(
                new LoggerFilterRule(null, category, null, (_, _, level) => !Active || level < LogLevel.Warning)
            );
        }
    }
}
