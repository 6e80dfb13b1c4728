using Slipway.Rag.Testing;

namespace Slipway.Storage.Postgres.Tests.Conformance;

public sealed class PostgresLeaseTests() : LeaseSuite(PostgresCoordinationFixture.OpenAsync)
{
    protected override int Histories => 8;
}
