using Slipway.Agents.Testing;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;

namespace Slipway.Storage.Sqlite.Tests.Conformance;

// What every store promises; what only SQLite does is tested beside this folder.
public sealed class SqlitePublishingTests() : PublishingSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteFilterTests() : FilterSuite(SqliteStoreFixture.OpenAsync)
{
    // A set that is read at once, ids that are asked about, and both in one filter.
    protected override IReadOnlyList<ISearchIndex> Indexes => [Store.Search, .. new[] { -1, 3 }.Select(Index)];

    private SqliteSearchIndex Index(int smallSet) => new(((SqliteStoreFixture)Store).Database) { SmallSet = smallSet };
}

public sealed class SqlitePublishingBatchTests() : PublishingBatchSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteLedgerTests() : LedgerSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteLexicalSearchTests() : LexicalSearchSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteVectorSearchTests() : VectorSearchSuite(SqliteStoreFixture.OpenAsync)
{
    protected override double CosineTolerance => 0;
}

[Trait("Tier", "fast")]
public sealed class SqliteAccessTests() : AccessSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteSearchHistoryTests() : SearchHistorySuite(SqliteStoreFixture.OpenAsync)
{
    protected override double CosineTolerance => 0;
}

public sealed class SqliteEqualSearchTests()
    : EqualSearchSuite(SqliteStoreFixture.OpenAsync, SqliteStoreFixture.OpenAsync);

public sealed class SqliteDocumentListTests() : DocumentListSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteEmbeddingTests() : EmbeddingSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteInboxTests() : InboxSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteInboxSourceTests() : InboxSourceSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteMaintenanceTests() : MaintenanceSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteBlobStoreTests() : BlobStoreSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqlitePassageReaderTests() : PassageReaderSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteConcurrencyTests() : ConcurrencySuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteEmbeddingGenerationTests() : EmbeddingGenerationSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteSteadyReadingTests() : SteadyReadingSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqlitePlanTests() : PlanSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteCrashTests() : CrashSuite(SqliteStoreFixture.OpenAsync)
{
    protected override int StatementStep => 8;
}

public sealed class SqliteSimulationTests() : SimulationSuite(SqliteStoreFixture.OpenCloneAsync);

public sealed class SqliteIngestionTests() : IngestionSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteRetrievalTests() : RetrievalSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteKnowledgeToolsTests() : KnowledgeToolsSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteTurnCrashTests() : TurnCrashSuite(SqliteConversationStoreFixture.OpenAsync);

public sealed class SqliteTurnInstancesTests() : TurnInstancesSuite(SqliteConversationStoreFixture.OpenAsync);

public sealed class SqliteTurnStoreTests() : TurnStoreSuite(SqliteConversationStoreFixture.OpenAsync);

public sealed class SqliteConversationStoreTests() : ConversationStoreSuite(SqliteConversationStoreFixture.OpenAsync);

public sealed class SqliteTurnLimitStoreTests() : TurnLimitStoreSuite(SqliteTurnLimitStoreFixture.OpenAsync)
{
    protected override int Crowd => 1_000;
}

public sealed class SqliteIdentityStoreTests() : IdentityStoreSuite(SqliteIdentityStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteClaimTests() : ClaimSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteChangeSignalTests() : ChangeSignalSuite(SqliteCoordinationFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteLeaseTests() : LeaseSuite(SqliteCoordinationFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteSoakTests() : SoakSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteConformanceTests
{
    [Theory]
    [InlineData(typeof(StoreSuite))]
    [InlineData(typeof(ConversationStoreSuite))]
    public void No_suite_is_left_out(Type suite) =>
        ConformanceSuites.AssertAllRunIn(suite.Assembly, typeof(SqliteConformanceTests).Assembly);
}
