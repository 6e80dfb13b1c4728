using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Pgvector.Npgsql;
using Slipway.Agents.Conversations;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests;

public sealed class UsePostgresTests
{
    private static readonly Type[] Contracts =
    [
        typeof(IDocumentStore),
        typeof(IInboxStore),
        typeof(ISearchIndex),
        typeof(IBlobStore),
        typeof(IPassageReader),
        typeof(ILeaseStore),
        typeof(IConversationStore),
        typeof(IStoreSchema),
        typeof(IStoreTables),
        typeof(IStoreProvider),
    ];

    [Fact]
    public void Everything_that_is_stored_has_its_store()
    {
        using var services = Services(slipway => slipway.UsePostgres("Host=localhost;Database=slipway"));

        Assert.All(Contracts, contract => Assert.NotNull(services.GetService(contract)));
    }

    [Theory]
    [InlineData(
        "postgres://ada:p%40ss@db:6543/know?sslmode=verify-full",
        "db",
        6543,
        "know",
        "ada",
        "p@ss",
        SslMode.VerifyFull
    )]
    [InlineData("postgresql://ada@db/know", "db", 5432, "know", "ada", null, SslMode.Prefer)]
    [InlineData(
        "POSTGRES://ada@[::1]:5433/know?application_name=x",
        "[::1]",
        5433,
        "know",
        "ada",
        null,
        SslMode.Prefer
    )]
    [InlineData("Host=db;Database=know;Username=ada;Password=p;Port=1", "db", 1, "know", "ada", "p", SslMode.Prefer)]
    public void A_database_is_named_by_a_URL_or_by_keys(
        string text,
        string host,
        int port,
        string database,
        string user,
        string? password,
        SslMode ssl
    )
    {
        var parts = new NpgsqlConnectionStringBuilder(
            PostgresConnectionString.Parse(new() { ConnectionString = text })
        );

        Assert.Equal(
            (host, port, database, user, password, ssl),
            (parts.Host, parts.Port, parts.Database, parts.Username, parts.Password, parts.SslMode)
        );
    }

    [Theory]
    [InlineData("Host=db", 128)]
    [InlineData("Host=db;Max Auto Prepare=0", 0)]
    [InlineData("postgres://db/x?Max%20Auto%20Prepare=7", 7)]
    public void Statements_are_prepared_unless_the_connection_string_says_otherwise(string text, int expected) =>
        Assert.Equal(
            expected,
            new NpgsqlConnectionStringBuilder(
                PostgresConnectionString.Parse(new() { ConnectionString = text })
            ).MaxAutoPrepare
        );

    [Theory]
    [InlineData(null, "Storage:ConnectionString is not set")]
    [InlineData(" ", "Storage:ConnectionString is not set")]
    [InlineData("postgres://ada:secret@db:port/x", "percent-encoded")]
    [InlineData("postgres://ada:secret@db/x?sslmode=perhaps", "'sslmode'")]
    [InlineData("postgres://ada:secret@db/x?colour=red", "'colour'")]
    [InlineData("Server db Password=secret", "Key=Value")]
    [InlineData("Hast=db;Password=secret", "Key=Value")]
    [InlineData("Database=x;Password=secret", "no host")]
    public void What_cannot_be_read_is_a_configuration_error_without_the_secret(string? text, string expected)
    {
        var error = Assert.Throws<SlipwayException>(() =>
            PostgresConnectionString.Parse(new() { ConnectionString = text })
        );

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("postgres://", error.Fix, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message + error.Fix + error.InnerException, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_database_comes_from_the_settings_where_code_names_none()
    {
        await using var test = await PostgresTestDatabase.CreateEmptyAsync();
        await using var services = Services(
            slipway => slipway.UsePostgres(),
            new() { ["Storage:ConnectionString"] = test.ConnectionString }
        );

        await ListAsync(services);

        Assert.NotNull(await test.ExecuteAsync("select to_regclass('slipway.documents')::text"));
    }

    [Fact]
    public async Task Migrating_can_be_turned_off_in_the_settings()
    {
        await using var test = await PostgresTestDatabase.CreateEmptyAsync();
        await using var services = Services(
            slipway => slipway.UsePostgres(test.ConnectionString),
            new() { ["Storage:Migrate"] = "false" }
        );

        await Assert.ThrowsAsync<SlipwayException>(() => ListAsync(services));
        await using var misspelt = Services(
            slipway => slipway.UsePostgres(test.ConnectionString),
            new() { ["Storage:Migrate"] = "no" }
        );
        var error = await Assert.ThrowsAsync<SlipwayException>(() => ListAsync(misspelt));
        Assert.Equal((ErrorClass.Configuration, "Set it to true or false."), (error.Class, error.Fix));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pool_that_was_handed_in_serves_and_is_disposed_by_its_owner(bool owned)
    {
        await using var test = await PostgresTestDatabase.CreateAsync();
        var builder = new NpgsqlDataSourceBuilder(test.ConnectionString);
        builder.UseVector();
        await using var pool = builder.Build();
        await using (var services = Services(slipway => slipway.UsePostgres(pool, ownsDataSource: owned)))
        {
            await ListAsync(services);
        }

        var opening = pool.OpenConnectionAsync(TestContext.Current.CancellationToken).AsTask();
        if (owned)
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => opening);
        }
        else
        {
            await (await opening).DisposeAsync();
        }
    }

    private static ServiceProvider Services(Action<ISlipwayBuilder> use, Dictionary<string, string?>? settings = null)
    {
        var builder = new Builder(new ServiceCollection());
        builder.Services.AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection(settings ?? []).Build()
        );
        use(builder);
        return builder.Services.BuildServiceProvider();
    }

    private static async Task ListAsync(IServiceProvider services) =>
        await services
            .GetRequiredService<IDocumentStore>()
            .ListAsync(
                new DocumentQuery { Collection = CollectionKey.Default, Principal = Principal.Local },
                TestContext.Current.CancellationToken
            );

    private sealed record Builder(IServiceCollection Services) : ISlipwayBuilder;
}
