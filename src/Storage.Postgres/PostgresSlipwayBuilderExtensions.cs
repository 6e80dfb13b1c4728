using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;
using Slipway;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;
using Slipway.Agents.Turns;
using Slipway.Identity;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres;
using Slipway.Storage.Postgres.Internal;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps knowledge and conversations in one PostgreSQL database.</summary>
public static class PostgresSlipwayBuilderExtensions
{
    /// <summary>Uses a PostgreSQL database for everything that is stored.</summary>
    /// <param name="builder">What <c>AddSlipway()</c> returned.</param>
    /// <param name="connectionString">
    /// <c>postgres://user:password@host:5432/database</c>, or <c>Host=…;Database=…;Username=…;Password=…</c>.
    /// </param>
    public static ISlipwayBuilder UsePostgres(this ISlipwayBuilder builder, string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        return builder.UsePostgres(options => options.ConnectionString = connectionString);
    }

    /// <summary>Uses a PostgreSQL database for everything that is stored.</summary>
    /// <param name="builder">What <c>AddSlipway()</c> returned.</param>
    /// <param name="configure">
    /// Sets where the database is. What it leaves alone comes from the settings: <c>Storage:ConnectionString</c> (alias
    /// <c>DATABASE_URL</c>), <c>Storage:DirectConnectionString</c>, <c>Storage:Migrate</c>.
    /// </param>
    public static ISlipwayBuilder UsePostgres(
        this ISlipwayBuilder builder,
        Action<PostgresStorageOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use(provider => new PostgresDatabase(
            ReadOptions(provider, configure),
            provider.GetRequiredService<TimeProvider>()
        ));
    }

    /// <summary>Uses a PostgreSQL database for everything that is stored, through a pool that the application has made.</summary>
    /// <param name="builder">What <c>AddSlipway()</c> returned.</param>
    /// <param name="dataSource">The pool. It must be built with <c>UseVector()</c> of the package Pgvector.</param>
    /// <param name="ownsDataSource">Whether the pool is disposed with the application's services; false leaves it to the caller.</param>
    /// <param name="configure">The rest of the settings; a connection string among them is not used.</param>
    public static ISlipwayBuilder UsePostgres(
        this ISlipwayBuilder builder,
        NpgsqlDataSource dataSource,
        bool ownsDataSource = false,
        Action<PostgresStorageOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(dataSource);
        return builder.Use(provider => new PostgresDatabase(
            dataSource,
            ownsDataSource,
            ReadOptions(provider, configure),
            provider.GetRequiredService<TimeProvider>()
        ));
    }

    private static ISlipwayBuilder Use(this ISlipwayBuilder builder, Func<IServiceProvider, PostgresDatabase> open)
    {
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(open);
        services.TryAddSingleton<PostgresDocumentStore>();
        services.TryAddSingleton<IDocumentStore>(provider => provider.GetRequiredService<PostgresDocumentStore>());
        services.TryAddSingleton<IInboxStore>(provider => provider.GetRequiredService<PostgresDocumentStore>());
        services.TryAddSingleton<IDocumentQueue>(provider => provider.GetRequiredService<PostgresDocumentStore>());
        services.TryAddSingleton<IDocumentMaintenance, PostgresDocumentMaintenance>();
        services.TryAddSingleton<IBlobStore, PostgresBlobStore>();
        services.TryAddSingleton<ISearchIndex>(provider => new PostgresSearchIndex(
            provider.GetRequiredService<PostgresDatabase>()
        ));
        services.TryAddSingleton<ILeaseStore, PostgresLeaseStore>();
        services.TryAddSingleton<IPassageReader, PostgresPassageReader>();
        services.TryAddSingleton<ILeaseStore, PostgresLeaseStore>();
        services.TryAddSingleton<ITurnLimitStore, PostgresTurnLimitStore>();
        services.TryAddSingleton<IChangeSignal, PostgresChangeSignal>();
        services.TryAddSingleton<IAttachmentStore, PostgresAttachmentStore>();
        services.TryAddSingleton<IApiKeyStore, PostgresApiKeyStore>();
        services.TryAddSingleton<IUserStore, PostgresUserStore>();
        services.TryAddSingleton<IConversationStore>(provider => new PostgresConversationStore(
            provider.GetRequiredService<PostgresDatabase>(),
            provider.GetService<ILogger<PostgresConversationStore>>()
        ));
        services.TryAddSingleton<ITurnStore>(provider => new PostgresTurnStore(
            provider.GetRequiredService<PostgresDatabase>()
        ));
        services.TryAddSingleton<IStoreSchema, PostgresStoreSchema>();
        services.TryAddSingleton<IStoreTables>(provider => new PostgresStoreTables(
            provider.GetRequiredService<PostgresDatabase>(),
            ownsDatabase: false
        ));
        return builder.AddPostgresCopy();
    }

    private static PostgresStorageOptions ReadOptions(
        IServiceProvider provider,
        Action<PostgresStorageOptions>? configure
    )
    {
        var settings = provider.GetService<IConfiguration>();
        var options = new PostgresStorageOptions
        {
            ConnectionString = settings?["Storage:ConnectionString"],
            DirectConnectionString = settings?["Storage:DirectConnectionString"],
        };
        if (settings?["Storage:Migrate"] is { Length: > 0 } migrate)
        {
            options.Migrate = bool.TryParse(migrate, out var value)
                ? value
                : throw new SlipwayException(
                    ErrorClass.Configuration,
                    $"Storage:Migrate is '{migrate}'.",
                    "Set it to true or false."
                );
        }

        configure?.Invoke(options);
        return options;
    }
}
