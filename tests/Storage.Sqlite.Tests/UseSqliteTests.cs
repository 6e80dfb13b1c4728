using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Agents.Conversations;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Tests;

public sealed class UseSqliteTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_file_comes_from_the_settings_where_code_names_none()
    {
        var configured = Path.Combine(_folder.Path, "configured.db");
        await UseAsync(slipway => slipway.UseSqlite(), configured);

        Assert.True(File.Exists(configured));
    }

    [Fact]
    public async Task A_file_that_code_names_wins_over_the_settings()
    {
        var named = Path.Combine(_folder.Path, "named.db");
        await UseAsync(slipway => slipway.UseSqlite(named), Path.Combine(_folder.Path, "configured.db"));

        Assert.Equal(["named.db"], Directory.GetFiles(_folder.Path, "*.db").Select(Path.GetFileName));
    }

    [Fact]
    public void Everything_that_is_stored_has_its_store()
    {
        var builder = new Builder(new ServiceCollection());
        builder.UseSqlite(Path.Combine(_folder.Path, "all.db"));
        using var services = builder.Services.BuildServiceProvider();

        Type[] contracts =
        [
            typeof(IDocumentStore),
            typeof(IInboxStore),
            typeof(ISearchIndex),
            typeof(IBlobStore),
            typeof(IPassageReader),
            typeof(IConversationStore),
        ];
        Assert.All(contracts, contract => Assert.NotNull(services.GetService(contract)));
    }

    private static async Task UseAsync(Action<ISlipwayBuilder> use, string configured)
    {
        var builder = new Builder(new ServiceCollection());
        builder.Services.AddSingleton<IConfiguration>(
            new ConfigurationBuilder()
                .AddInMemoryCollection(new Dictionary<string, string?> { ["Storage:Path"] = configured })
                .Build()
        );
        use(builder);
        await using var services = builder.Services.BuildServiceProvider();
        await services
            .GetRequiredService<IDocumentStore>()
            .ListAsync(
                new DocumentQuery { Collection = CollectionKey.Default, Principal = Principal.Local },
                TestContext.Current.CancellationToken
            );
    }

    private sealed record Builder(IServiceCollection Services) : ISlipwayBuilder;
}
