using Slipway.Agents.Testing;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Tests.Conformance;

namespace Slipway.Storage.Postgres.Tests.Conformance;

// What every store promises; what only PostgreSQL does is tested beside this folder.
public sealed class PostgresPublishingTests() : PublishingSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresFilterTests() : FilterSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresPublishingBatchTests() : PublishingBatchSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresLedgerTests() : LedgerSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresLexicalSearchTests() : LexicalSearchSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresVectorSearchTests() : VectorSearchSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresAccessTests() : AccessSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresSearchHistoryTests() : SearchHistorySuite(PostgresStoreFixture.OpenAsync)
{
    // A database for each.
    protected override int Histories => 5;
}

public sealed class PostgresEqualSearchTests()
    : EqualSearchSuite(SqliteStoreFixture.OpenAsync, PostgresStoreFixture.OpenAsync)
{
    protected override int Histories => 5;
}

public sealed class PostgresDocumentListTests() : DocumentListSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresEmbeddingTests() : EmbeddingSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresInboxTests() : InboxSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresInboxSourceTests() : InboxSourceSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresMaintenanceTests() : MaintenanceSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresBlobStoreTests() : BlobStoreSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresPassageReaderTests() : PassageReaderSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresConcurrencyTests() : ConcurrencySuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresEmbeddingGenerationTests() : EmbeddingGenerationSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresSteadyReadingTests() : SteadyReadingSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresPlanTests() : PlanSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresCrashTests() : CrashSuite(PostgresStoreFixture.OpenAsync)
{
    protected override int Step => 7;

    protected override int StatementStep => 7;
}

public sealed class PostgresSimulationTests() : SimulationSuite(PostgresStoreFixture.OpenAsync)
{
    protected override int Histories => 2;

    protected override int NightlyHistories => 1_000;
}

public sealed class PostgresIngestionTests() : IngestionSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresRetrievalTests() : RetrievalSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresKnowledgeToolsTests() : KnowledgeToolsSuite(PostgresStoreFixture.OpenAsync);

public sealed class PostgresTurnCrashTests() : TurnCrashSuite(PostgresConversationStoreFixture.OpenAsync);

public sealed class PostgresTurnInstancesTests() : TurnInstancesSuite(PostgresConversationStoreFixture.OpenAsync);

public sealed class PostgresTurnStoreTests() : TurnStoreSuite(PostgresConversationStoreFixture.OpenAsync);

public sealed class PostgresConversationStoreTests()
    : ConversationStoreSuite(PostgresConversationStoreFixture.OpenAsync);

public sealed class PostgresTurnLimitStoreTests() : TurnLimitStoreSuite(PostgresTurnLimitStoreFixture.OpenAsync);

public sealed class PostgresIdentityStoreTests() : IdentityStoreSuite(PostgresIdentityStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class PostgresSoakTests() : SoakSuite(PostgresStoreFixture.OpenAsync)
{
    protected override Task<long> CountDeadlocksAsync() => ((PostgresStoreFixture)Store).CountDeadlocksAsync();
}

public sealed class PostgresConformanceTests
{
    [Theory]
    [InlineData(typeof(StoreSuite))]
    [InlineData(typeof(ConversationStoreSuite))]
    public void No_suite_is_left_out(Type suite) =>
        ConformanceSuites.AssertAllRunIn(suite.Assembly, typeof(PostgresConformanceTests).Assembly);
}
