using System.Runtime.ExceptionServices;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>
/// Work that waits for its write transaction, and then what became of it. Whoever writes takes it; whoever asked takes it back when
/// cancelled. The writer's queue orders everything else.
/// </summary>
internal abstract class SqliteWrite
{
    private int _taken;
    private ExceptionDispatchInfo? _error;

    /// <summary>Whether it writes so much that it is committed alone: in a savepoint SQLite keeps a second journal of all its pages.</summary>
    public bool IsLarge { get; init; }

    public bool IsTaken => Volatile.Read(ref _taken) != 0;

    /// <returns>False when somebody else has it.</returns>
    public bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;

    /// <summary>Does the work; what it throws is the caller's.</summary>
    public abstract void Run(SqliteSession session);

    public void Fail(Exception exception) => _error = ExceptionDispatchInfo.Capture(exception);

    protected void ThrowIfFailed() => _error?.Throw();
}

/// <inheritdoc />
internal sealed class SqliteWrite<T>(Func<SqliteSession, T> work) : SqliteWrite
{
    private T? _result;

    /// <exception cref="Exception">What the work or the transaction ended with.</exception>
    public T Result
    {
        get
        {
            ThrowIfFailed();
            return _result!;
        }
    }

    public override void Run(SqliteSession session) => _result = work(session);
}
