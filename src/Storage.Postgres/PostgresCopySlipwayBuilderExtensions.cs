using Microsoft.Extensions.DependencyInjection.Extensions;
using Slipway;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets a host copy its store to PostgreSQL.</summary>
public static class PostgresCopySlipwayBuilderExtensions
{
    /// <summary>
    /// Lets the verb <c>copy --to</c> open PostgreSQL databases beside the application's own store: <c>postgres://…</c>, or a connection
    /// string that begins with <c>Host=</c>.
    /// </summary>
    /// <param name="builder">What <c>AddSlipway()</c> returned.</param>
    public static ISlipwayBuilder AddPostgresCopy(this ISlipwayBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreProvider, PostgresStoreProvider>());
        return builder;
    }
}
