using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Slipway.Hosting.Tests;

/// <summary>An application builder that sees nothing of this machine but what the test gives it.</summary>
internal static class TestHost
{
    public static HostApplicationBuilder Create(
        IReadOnlyDictionary<string, string?>? settings = null,
        string? contentRoot = null,
        string environment = "Production"
    )
    {
        var builder = new HostApplicationBuilder(
            new HostApplicationBuilderSettings
            {
                DisableDefaults = true,
                ContentRootPath = contentRoot ?? AppContext.BaseDirectory,
                EnvironmentName = environment,
            }
        );
        builder.Configuration.AddInMemoryCollection(settings ?? new Dictionary<string, string?>());
        builder.Logging.ClearProviders();
        return builder;
    }

    public static Dictionary<string, string?> Settings(params (string Key, string? Value)[] settings) =>
        settings.ToDictionary(setting => setting.Key, setting => setting.Value);
}
