using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway;
using Slipway.Hosting.Internal;
using Slipway.Hosting.Settings;
using Slipway.Hosting.Startup;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds Slipway to an application.</summary>
public static class SlipwayHostApplicationBuilderExtensions
{
    /// <summary>How long the host may take to stop.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Adds Slipway: its settings with their flat names and files, the <c>.env</c> file in development, and an orderly start and end.
    /// Parts are added on the builder that is returned, or in <paramref name="configure"/>.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="configure">Adds parts: a store, knowledge, an agent.</param>
    /// <exception cref="SlipwayException">The <c>.env</c> file, or the file that <c>--config</c> names, cannot be read.</exception>
    public static ISlipwayBuilder AddSlipway(
        this IHostApplicationBuilder builder,
        Action<ISlipwayBuilder>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        UseEnvironmentAlias(builder);
        if (builder.Environment.IsDevelopment())
        {
            AddDotEnv(builder);
        }

        var services = builder.Services;
        AddFlags(builder.Configuration);
        if (builder.Configuration["Rag:ConfigFile"] is { Length: > 0 } file)
        {
            var older = new OlderConfigFile(Path.GetFullPath(file, builder.Environment.ContentRootPath));
            builder.Configuration.Sources.Insert(0, older);
            services.AddSingleton(older);
        }

        builder.Configuration.Sources.Insert(
            builder.Configuration.Sources.Count(source => source is OlderConfigFile),
            new AliasConfiguration(builder.Configuration)
        );
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ExitStatus>();
        services.TryAddSingleton<StartupLogFilter>();
        services.AddSingleton<IPostConfigureOptions<LoggerFilterOptions>>(provider =>
            provider.GetRequiredService<StartupLogFilter>()
        );
        services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);

        var slipway = new SlipwayBuilder(services);
        configure?.Invoke(slipway);
        return slipway;
    }

    /// <summary><c>ENVIRONMENT</c> names the environment where .NET's own names do not.</summary>
    private static void UseEnvironmentAlias(IHostApplicationBuilder builder)
    {
        if (
            Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") is null
            && Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") is null
            && builder.Configuration["ENVIRONMENT"] is { Length: > 0 } name
        )
        {
            builder.Environment.EnvironmentName = name;
        }
    }

    /// <summary>The older system's flags, as strong as the command line that they stand on.</summary>
    private static void AddFlags(IConfigurationManager configuration)
    {
        var sources = configuration.Sources;
        var last = sources.Select((source, i) => source is CommandLineConfigurationSource ? i : -1).Append(-1).Max();
        if (last >= 0 && configuration is IConfigurationRoot root)
        {
            sources.Insert(last + 1, new CommandLineFlags(root));
        }
    }

    /// <summary>The file wins over the process environment and loses to the command line.</summary>
    private static void AddDotEnv(IHostApplicationBuilder builder)
    {
        var path = Path.Combine(builder.Environment.ContentRootPath, ".env");
        if (!File.Exists(path))
        {
            return;
        }

        var sources = builder.Configuration.Sources;
        var last = sources.Select((source, i) => source is EnvironmentVariablesConfigurationSource ? i : -1).Max();
        try
        {
            var values = DotEnvFile.Parse(File.ReadAllText(path), path);
            sources.Insert(last + 1, new Configuration.Memory.MemoryConfigurationSource { InitialData = values });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"'{path}' cannot be read: {exception.Message}",
                "Give this user the right to read the file, or remove it.",
                exception
            );
        }
    }
}
