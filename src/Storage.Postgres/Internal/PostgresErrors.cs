using System.Net.Sockets;
using Npgsql;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>The driver's errors in words that name the database, the cause and the fix. They never quote rows or secrets.</summary>
internal static class PostgresErrors
{
    /// <summary>Whether the same work may succeed in a new transaction right away: it lost a race, or the connection went away.</summary>
    public static bool IsWorthRepeating(Exception exception) =>
        IsConnectionLoss(exception)
        || exception
            is PostgresException
                {
                    SqlState: PostgresErrorCodes.SerializationFailure
                        or PostgresErrorCodes.DeadlockDetected
                        or PostgresErrorCodes.TooManyConnections
                }
                // Somebody took a document's place between the look and the write: a second look finds them there.
                or PostgresException
                {
                    SqlState: PostgresErrorCodes.UniqueViolation,
                    ConstraintName: "documents_place"
                };

    /// <summary>Whether the server went away or is not there yet: nothing is known of what was sent last.</summary>
    public static bool IsConnectionLoss(Exception exception) =>
        exception switch
        {
            PostgresException { SqlState: var state } => state
                is PostgresErrorCodes.AdminShutdown
                    or PostgresErrorCodes.CrashShutdown
                    or PostgresErrorCodes.CannotConnectNow
                || state.StartsWith("08", StringComparison.Ordinal),
            NpgsqlException { InnerException: IOException or SocketException } => true,
            _ => false,
        };

    /// <summary>Whether the server, or a connection of the pool, did not come in time: nothing is known of what was sent last.</summary>
    public static bool IsTimeout(Exception exception) =>
        exception is NpgsqlException { InnerException: TimeoutException };

    /// <summary>Whether <see cref="Describe(Exception, string)"/> has words for it.</summary>
    public static bool IsTheDatabases(Exception exception) => exception is NpgsqlException or InvalidDataException;

    /// <summary>The error for callers.</summary>
    public static SlipwayException Describe(Exception exception, string target) =>
        exception switch
        {
            PostgresException refused => Describe(refused, target),
            NpgsqlException { InnerException: TimeoutException } when IsOfThePool(exception) => new(
                ErrorClass.Transient,
                $"All connections to the database {target} are in use.",
                "Try again; if it happens often, raise 'Maximum Pool Size' in Storage:ConnectionString, and max_connections on the server with it.",
                exception
            ),
            _ when IsTimeout(exception) => new(
                ErrorClass.Transient,
                $"The database {target} did not answer in time.",
                "Try again; if it happens often, raise 'Command Timeout' or 'Timeout' in Storage:ConnectionString.",
                exception
            ),
            NpgsqlException when IsConnectionLoss(exception) => new(
                ErrorClass.Transient,
                $"The database {target} cannot be reached: {exception.InnerException!.Message}",
                "Check host and port in Storage:ConnectionString (DATABASE_URL), and that the server is up.",
                exception
            ),
            NpgsqlException => new(
                ErrorClass.Transient,
                $"Talking to the database {target} failed: {exception.Message}",
                null,
                exception
            ),
            InvalidDataException => new(
                ErrorClass.Configuration,
                $"The search index in the database {target} is damaged: {exception.Message}",
                "Restore a backup, or start with an empty database: knowledge is read again from its sources.",
                exception
            ),
            _ => throw new ArgumentException("Not an error of the database.", nameof(exception), exception),
        };

    // The driver gives it no type of its own.
    private static bool IsOfThePool(Exception exception) =>
        exception.Message.StartsWith("The connection pool has been exhausted", StringComparison.Ordinal);

    // Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
    private static SlipwayException Describe(PostgresException refused, string target) =>
        refused.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new(
                ErrorClass.Authentication,
                $"The database {target} refused the login: {refused.MessageText}.",
                "Check user name and password in Storage:ConnectionString (DATABASE_URL).",
                refused
            ),
            PostgresErrorCodes.InsufficientPrivilege => new(
                ErrorClass.Authentication,
                $"The role may not do this in the database {target}: {refused.MessageText}.",
                "Give it the rights of sql/postgres/roles.sql, or connect as slipway_app or slipway_background.",
                refused
            ),
            PostgresErrorCodes.InvalidCatalogName => new(
                ErrorClass.Configuration,
                $"There is no database {target}.",
                "Create it, or name another one in Storage:ConnectionString (DATABASE_URL).",
                refused
            ),
            PostgresErrorCodes.UndefinedTable
            or PostgresErrorCodes.UndefinedColumn
            or PostgresErrorCodes.UndefinedFunction
            or PostgresErrorCodes.UndefinedObject
            or PostgresErrorCodes.InvalidSchemaName
            or PostgresErrorCodes.UndefinedFile => new(
                ErrorClass.Configuration,
                $"The database {target} lacks a part of the schema: {refused.MessageText}.",
                "Run the migrations (sql/README.md), and install the extension 'vector' (pgvector) on the server.",
                refused
            ),
            PostgresErrorCodes.FeatureNotSupported => new(
                ErrorClass.Configuration,
                $"The server of the database {target} lacks a part: {refused.MessageText}.",
                "Install the extension 'vector' (pgvector) on the server; PostgreSQL itself must be one that the documentation names.",
                refused
            ),
            PostgresErrorCodes.DiskFull => new(
                ErrorClass.Transient,
                $"The disk of the database {target} is full.",
                "Free space on the server's disk, then try again; the last transaction was rolled back.",
                refused
            ),
            PostgresErrorCodes.TooManyConnections => new(
                ErrorClass.Transient,
                $"The database {target} has no connection left.",
                "Lower 'Maximum Pool Size' in Storage:ConnectionString, or raise max_connections on the server.",
                refused
            ),
            PostgresErrorCodes.ReadOnlySqlTransaction => new(
                ErrorClass.Transient,
                $"The database {target} is read only: it is a replica, or was one a moment ago.",
                "Name the primary in Storage:ConnectionString, or add 'Target Session Attributes=primary' where several hosts are named.",
                refused
            ),
            _ => new(
                IsPassing(refused) ? ErrorClass.Transient : ErrorClass.Permanent,
                $"The database {target} refused a statement: {refused.MessageText} ({refused.SqlState}).",
                null,
                refused
            ),
        };

    // 53: resources; 55: object in use, lock not available; 57: operator intervention; 58: the server's system.
    private static bool IsPassing(PostgresException refused) =>
        IsWorthRepeating(refused) || refused.SqlState[..2] is "53" or "55" or "57" or "58";
}
