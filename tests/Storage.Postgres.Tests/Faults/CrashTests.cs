using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Tests.Conformance;

namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>Runs that die at any statement, on a server as durable as in production.</summary>
[Collection(nameof(FaultServer))]
public sealed class CrashTests(FaultServer fault)
{
    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task A_run_that_dies_at_every_statement_is_made_good_by_the_next_one() =>
        new CrashRun(
            async (time, _) =>
                new PostgresStoreFixture(
                    await PostgresTestDatabase.CreateEmptyAsync((await fault.GetAsync()).ConnectionString),
                    time,
                    owns: true
                )
        ).DieAtStatementsAsync(1);
}
