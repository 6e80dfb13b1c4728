using Slipway.Rag.Testing;

namespace Slipway.Storage.Sqlite.Tests.Conformance;

// What every store promises; what only SQLite does is tested beside this folder.
public sealed class SqlitePublishingTests() : PublishingSuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteLedgerTests() : LedgerSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteLexicalSearchTests() : LexicalSearchSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteVectorSearchTests() : VectorSearchSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteAccessTests() : AccessSuite(SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteSearchHistoryTests() : SearchHistorySuite(SqliteStoreFixture.OpenAsync);

public sealed class SqliteEqualSearchTests()
    : EqualSearchSuite(SqliteStoreFixture.OpenAsync, SqliteStoreFixture.OpenAsync);

[Trait("Tier", "fast")]
public sealed class SqliteConformanceTests
{
    [Fact]
    public void No_suite_is_left_out() =>
        ConformanceSuites.AssertAllRunIn(typeof(StoreSuite).Assembly, typeof(SqliteConformanceTests).Assembly);
}
