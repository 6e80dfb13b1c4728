using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Slipway;
using Slipway.Hosting;
using Slipway.Hosting.Settings;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds parts to Slipway.</summary>
public static class SlipwayBuilderExtensions
{
    /// <summary>Adds ingestion and retrieval.</summary>
    /// <param name="builder">Slipway.</param>
    /// <param name="configure">Settings in code; they win over the section <c>Rag</c>.</param>
    public static ISlipwayBuilder AddRag(this ISlipwayBuilder builder, Action<RagOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddValidatedOptions<RagOptions, RagBinder>(configure);
        return builder;
    }

    /// <summary>Options that are read from their section by a binder, checked by it, and checked when the host starts.</summary>
    internal static void AddValidatedOptions<TOptions, TBinder>(
        this IServiceCollection services,
        Action<TOptions>? configure
    )
        where TOptions : class
        where TBinder : OptionsBinder<TOptions>
    {
        if (!services.Any(service => service.ServiceType == typeof(TBinder)))
        {
            services.AddSingleton<TBinder>();
            services.AddSingleton<IConfigureOptions<TOptions>>(provider => provider.GetRequiredService<TBinder>());
            services.AddSingleton<IValidateOptions<TOptions>>(provider => provider.GetRequiredService<TBinder>());
            services.AddOptions<TOptions>().ValidateOnStart();
        }

        if (configure is not null)
        {
            services.Configure(configure);
        }
    }
}
