using Microsoft.Data.Sqlite;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>The driver's errors in words that name the file, the cause and the fix.</summary>
internal static class SqliteErrors
{
    // Result codes: https://www.sqlite.org/rescode.html
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int IoError = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int NotADatabase = 26;

    public static SlipwayException Describe(SqliteException exception, string path) =>
        exception.SqliteErrorCode switch
        {
            Busy or Locked => new(
                ErrorClass.Transient,
                $"The database '{path}' is locked by another process.",
                "Wait for the other process or end it, then try again; nothing was lost.",
                exception
            ),
            Corrupt or NotADatabase => new(
                ErrorClass.Configuration,
                exception.SqliteErrorCode == NotADatabase
                    ? $"The file '{path}' is not a SQLite database."
                    : $"The database '{path}' is damaged: {exception.Message}.",
                "Name another file, or move this one away and restore a backup; knowledge is read again from its sources.",
                exception
            ),
            ReadOnly => new(
                ErrorClass.Configuration,
                $"The database '{path}' cannot be written.",
                "Give this user the right to write the file and its folder, or name another file.",
                exception
            ),
            CannotOpen => new(
                ErrorClass.Configuration,
                $"The database '{path}' cannot be opened.",
                "Name a file in a folder that exists and that this user may write.",
                exception
            ),
            Full or IoError => new(
                ErrorClass.Transient,
                $"The disk of the database '{path}' is full or failing: {exception.Message}.",
                "Free space on the disk, then try again; the last transaction was rolled back.",
                exception
            ),
            _ => new(
                ErrorClass.Permanent,
                $"The database '{path}' refused a statement: {exception.Message}.",
                null,
                exception
            ),
        };

    public static SlipwayException Describe(InvalidDataException exception, string path) =>
        new(
            ErrorClass.Configuration,
            $"The search index in the database '{path}' is damaged: {exception.Message}",
            "Restore a backup, or move the file away: knowledge is read again from its sources.",
            exception
        );

    public static SlipwayException Describe(Exception exception, string path) =>
        new(
            ErrorClass.Configuration,
            $"The database '{path}' cannot be used: {exception.Message}",
            "Name a file in a folder that this user may write.",
            exception
        );
}
