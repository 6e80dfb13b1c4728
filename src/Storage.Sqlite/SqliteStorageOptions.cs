namespace Slipway.Storage.Sqlite;

/// <summary>Settings of the embedded store.</summary>
public sealed record SqliteStorageOptions
{
    /// <summary>
    /// The database file; made when it is missing, with its folder. It must be on a local disk of this host: SQLite's locks do not
    /// hold on network file systems.
    /// </summary>
    public string Path { get; set; } = "slipway.db";

    /// <summary>How long a write waits for another process's write. Default 10 seconds.</summary>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether every commit waits for the disk. Off by default: a killed process loses nothing; a power failure may lose the last
    /// moments, never consistency.
    /// </summary>
    public bool FlushEveryCommit { get; set; }
}
