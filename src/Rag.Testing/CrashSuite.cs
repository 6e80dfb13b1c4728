namespace Slipway.Rag.Testing;

/// <summary>
/// A run that dies at any call by which it touches store, source or model, before the call or after its effect, or at any statement that
/// its store sends to the database: the next run ends in the same state as if nothing had happened, and pays for at most one batch of
/// embeddings twice.
/// </summary>
public abstract class CrashSuite(OpenStore open)
{
    private readonly CrashRun _run = new(open);

    /// <summary>Every how many-th call is died at.</summary>
    protected virtual int Step => 1;

    /// <summary>Every how many-th statement is died at.</summary>
    protected virtual int StatementStep => 1;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Parity", "S104")]
    public Task A_run_that_dies_anywhere_is_made_good_by_the_next_one(bool afterwards) =>
        _run.DieAtCallsAsync(Step, afterwards);

    [Theory(Explicit = true)]
    [Trait("Tier", "nightly")]
    [InlineData(false)]
    [InlineData(true)]
    public Task A_run_that_dies_at_every_call_is_made_good_by_the_next_one(bool afterwards) =>
        _run.DieAtCallsAsync(1, afterwards);

    [Fact]
    public Task A_run_that_dies_at_a_statement_is_made_good_by_the_next_one() =>
        _run.DieAtStatementsAsync(StatementStep);

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task A_run_that_dies_at_every_statement_is_made_good_by_the_next_one() => _run.DieAtStatementsAsync(1);
}
