namespace Slipway.Storage.Postgres;

/// <summary>Settings of the PostgreSQL store.</summary>
/// <remarks>Not a record: its text would show the password.</remarks>
public sealed class PostgresStorageOptions
{
    /// <summary>
    /// Where the database is: <c>Host=…;Database=…;Username=…;Password=…</c> as Npgsql understands it, or a URL
    /// <c>postgres://user:password@host:5432/database?sslmode=require</c>. Setting <c>Storage:ConnectionString</c>, alias
    /// <c>DATABASE_URL</c>. Not used when a data source is handed in.
    /// </summary>
    /// <remarks>
    /// Behind PgBouncer in transaction mode add <c>No Reset On Close=true</c>, and <c>Max Auto Prepare=0</c> where it is older than 1.21.
    /// </remarks>
    public string? ConnectionString { get; set; }

    /// <summary>
    /// The same database without a pooler between: used for migrations, notifications and index builds, which a pooler in
    /// transaction mode cannot serve. Setting <c>Storage:DirectConnectionString</c>. Default: <see cref="ConnectionString"/>.
    /// </summary>
    public string? DirectConnectionString { get; set; }

    /// <summary>
    /// Whether the first use brings the schema up to date. Default true: it takes an advisory lock, so any number of instances may
    /// start at once. When false, or when the role may not change the schema, a schema that is too old is an error that says so.
    /// </summary>
    public bool Migrate { get; set; } = true;
}
