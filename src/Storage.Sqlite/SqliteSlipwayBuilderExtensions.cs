using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Slipway;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;
using Slipway.Agents.Turns;
using Slipway.Identity;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps knowledge and conversations in one SQLite file.</summary>
public static class SqliteSlipwayBuilderExtensions
{
    /// <summary>Uses a SQLite file for everything that is stored.</summary>
    /// <param name="builder">What <c>AddSlipway()</c> returned.</param>
    /// <param name="path">The file; made when it is missing.</param>
    public static ISlipwayBuilder UseSqlite(this ISlipwayBuilder builder, string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return builder.UseSqlite(options => options.Path = path);
    }

    /// <summary>Uses a SQLite file for everything that is stored.</summary>
    /// <param name="builder">What <c>AddSlipway()</c> returned.</param>
    /// <param name="configure">
    /// Sets the file and how it is written. What it leaves alone comes from the settings: <c>Storage:Path</c> (alias
    /// <c>DATABASE_URL</c>), and <c>slipway.db</c> where that is not set either.
    /// </param>
    public static ISlipwayBuilder UseSqlite(
        this ISlipwayBuilder builder,
        Action<SqliteStorageOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider =>
        {
            var options = new SqliteStorageOptions();
            if (provider.GetService<IConfiguration>()?["Storage:Path"] is { Length: > 0 } path)
            {
                options.Path = path;
            }

            configure?.Invoke(options);
            return new SqliteDatabase(options, provider.GetRequiredService<TimeProvider>());
        });
        services.TryAddSingleton<SqliteDocumentStore>();
        services.TryAddSingleton<IDocumentStore>(provider => provider.GetRequiredService<SqliteDocumentStore>());
        services.TryAddSingleton<IInboxStore>(provider => provider.GetRequiredService<SqliteDocumentStore>());
        services.TryAddSingleton<IDocumentQueue>(provider => provider.GetRequiredService<SqliteDocumentStore>());
        services.TryAddSingleton<IDocumentMaintenance, SqliteDocumentMaintenance>();
        services.TryAddSingleton<IBlobStore, SqliteBlobStore>();
        services.TryAddSingleton<ISearchIndex>(provider => new SqliteSearchIndex(
            provider.GetRequiredService<SqliteDatabase>()
        ));
        services.TryAddSingleton<IPassageReader, SqlitePassageReader>();
        services.TryAddSingleton<ILeaseStore, SqliteLeaseStore>();
        services.TryAddSingleton<ITurnLimitStore, SqliteTurnLimitStore>();
        services.TryAddSingleton<IChangeSignal, SqliteChangeSignal>();
        services.TryAddSingleton<IAttachmentStore, SqliteAttachmentStore>();
        services.TryAddSingleton<IApiKeyStore, SqliteApiKeyStore>();
        services.TryAddSingleton<IUserStore, SqliteUserStore>();
        services.TryAddSingleton<IConversationStore>(provider => new SqliteConversationStore(
            provider.GetRequiredService<SqliteDatabase>(),
            provider.GetService<ILogger<SqliteConversationStore>>()
        ));
        services.TryAddSingleton<ITurnStore>(provider => new SqliteTurnStore(
            provider.GetRequiredService<SqliteDatabase>()
        ));
        services.TryAddSingleton<IStoreSchema, SqliteStoreSchema>();
        services.TryAddSingleton<IStoreTables>(provider => new SqliteStoreTables(
            provider.GetRequiredService<SqliteDatabase>(),
            ownsDatabase: false
        ));
        return builder.AddSqliteCopy();
    }

    /// <summary>
    /// Lets the verb <c>copy --to</c> open SQLite files beside the application's own store: <c>sqlite:PATH</c>, or a path that ends in
    /// <c>.db</c>. <c>UseSqlite(…)</c> does so as well.
    /// </summary>
    /// <param name="builder">What <c>AddSlipway()</c> returned.</param>
    public static ISlipwayBuilder AddSqliteCopy(this ISlipwayBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreProvider, SqliteStoreProvider>());
        return builder;
    }
}
