using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Slipway.Storage.Postgres;

namespace Slipway.Tests;

/// <summary>
/// A database of its own for a test, copied from a migrated template and emptied for the next test or dropped afterwards. Names carry
/// their time, so that what a killed run left behind is swept up a day later.
/// </summary>
internal sealed partial class PostgresTestDatabase : IAsyncDisposable
{
    private const string TestPrefix = "slipway_test_";
    private const string TemplatePrefix = "slipway_template_";
    private const long SweepAfterSeconds = 24 * 3600;

    // Any number that no application uses: makers of the template queue here, across processes.
    private const long TemplateLock = 0x74_656d_706c_6174;

    private static readonly SemaphoreSlim Making = new(1, 1);
    private static string? _madeTemplate;

    private readonly string _server;
    private readonly string? _template;
    private readonly Lazy<NpgsqlDataSource> _dataSource;
    private int _disposed;

    /// <summary>The DBA's script, copied beside the tests.</summary>
    public static string RolesScript { get; } = Path.Combine(AppContext.BaseDirectory, "roles.sql");

    /// <param name="server">As a superuser.</param>
    /// <param name="name">The database.</param>
    /// <param name="template">The migrated template that it is equal to; null when it began otherwise.</param>
    /// <param name="dataSource">From the test before; null for a new one.</param>
    private PostgresTestDatabase(
        string server,
        string name,
        string? template = null,
        Lazy<NpgsqlDataSource>? dataSource = null
    )
    {
        (_server, Name, _template) = (server, name, template);
        ConnectionString = On(server, name);
        _dataSource = dataSource ?? new(() => CreateDataSource(ConnectionString));
    }

    public string Name { get; }

    /// <summary>As a superuser.</summary>
    public string ConnectionString { get; }

    public PostgresStorageOptions Options => new() { ConnectionString = ConnectionString };

    /// <summary>
    /// A pool that stays open from test to test: a connection costs more than most tests. For whoever does not mind sharing it.
    /// </summary>
    public NpgsqlDataSource DataSource => _dataSource.Value;

    /// <summary>A database with the schema as the embedded migrations make it; skips the test where there is no server.</summary>
    public static async Task<PostgresTestDatabase> CreateAsync()
    {
        var server = await PostgresServer.GetAsync();
        return TakeEmptied() ?? await CreateAsync(server, await GetTemplateAsync(server), isOurs: true);
    }

    /// <summary>A database without anything in it.</summary>
    public static async Task<PostgresTestDatabase> CreateEmptyAsync() =>
        await CreateEmptyAsync(await PostgresServer.GetAsync());

    /// <summary>A database without anything in it on a server of the caller's own.</summary>
    public static Task<PostgresTestDatabase> CreateEmptyAsync(string server, string options = "") =>
        CreateAsync(server, "template1" + options, isOurs: false);

    /// <summary>Runs statements and gives the first column of the first row of the last one.</summary>
    public async Task<object?> ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is var value && value is DBNull
            ? null
            : value;
    }

    /// <summary>Moves the clock of leases and claims for everybody who uses this database.</summary>
    public Task ShiftClockAsync(TimeSpan by) =>
        ExecuteAsync(
            string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"""
                insert into slipway.clock (shift) values ({by.TotalSeconds} * interval '1 second')
                on conflict (id) do update set shift = slipway.clock.shift + excluded.shift
                """
            )
        );

    /// <summary>The first column of every row.</summary>
    public async Task<List<object?>> QueryAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        List<object?> values = [];
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            values.Add(reader.IsDBNull(0) ? null : reader.GetValue(0));
        }

        return values;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0 && !await TryEmptyAsync())
        {
            await DropAsync();
        }
    }

    private async Task DropAsync()
    {
        if (_dataSource.IsValueCreated)
        {
            await _dataSource.Value.DisposeAsync();
        }

        NpgsqlConnection.ClearPool(new NpgsqlConnection(ConnectionString));
        await using var connection = new NpgsqlConnection(On(_server, "postgres"));
        await connection.OpenAsync(CancellationToken.None);
        await ExecuteAsync(connection, $"drop database if exists {Name} with (force)");
    }

    private static async Task<PostgresTestDatabase> CreateAsync(string server, string template, bool isOurs)
    {
        var name = TestPrefix + UnixTime() + "_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        await using var connection = new NpgsqlConnection(On(server, "postgres"));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        // Files copied, not pages logged: a fraction of the time where nothing waits for the disk.
        await ExecuteAsync(connection, $"create database {name} template {template} strategy file_copy");
        return new PostgresTestDatabase(server, name, isOurs ? template : null);
    }

    private static NpgsqlDataSource CreateDataSource(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        builder.UseVector();
        return builder.Build();
    }

    private static async Task<string> GetTemplateAsync(string server)
    {
        await Making.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            return _madeTemplate ??= await MakeTemplateAsync(server);
        }
        finally
        {
            Making.Release();
        }
    }

    private static async Task<string> MakeTemplateAsync(string server)
    {
        // The roles are the server's, not the database's: made once, like a DBA does, and never dropped.
        var migrations = Migrations().Append(await File.ReadAllTextAsync(RolesScript)).ToList();
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(migrations))))[..16];
        await using var connection = new NpgsqlConnection(On(server, "postgres"));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(connection, $"select pg_advisory_lock({TemplateLock})");
        try
        {
            var known = await SweepAsync(connection);
            if (known.Find(name => name.EndsWith(hash, StringComparison.Ordinal)) is { } ready)
            {
                return ready;
            }

            var template = TemplatePrefix + UnixTime() + "_" + hash;
            await ExecuteAsync(connection, $"create database {template}_unfinished");
            await using (var migrated = new NpgsqlConnection(On(server, template + "_unfinished", pooling: false)))
            {
                await migrated.OpenAsync(TestContext.Current.CancellationToken);
                foreach (var migration in migrations)
                {
                    await ExecuteAsync(migrated, migration);
                }
            }

            await ExecuteAsync(connection, $"alter database {template}_unfinished rename to {template}");
            return template;
        }
        finally
        {
            await ExecuteAsync(connection, $"select pg_advisory_unlock({TemplateLock})");
        }
    }

    /// <summary>Drops what is older than a day and names the templates that stay.</summary>
    private static async Task<List<string>> SweepAsync(NpgsqlConnection connection)
    {
        List<string> names = [];
        await using (
            var command = new NpgsqlCommand(
                $"select datname from pg_database where datname like '{TestPrefix}%' or datname like '{TemplatePrefix}%'",
                connection
            )
        )
        {
            await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
            while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            {
                names.Add(reader.GetString(0));
            }
        }

        List<string> templates = [];
        foreach (var name in names)
        {
            var made = name.Split('_')[2];
            if (!long.TryParse(made, out var time) || UnixTime() - time > SweepAfterSeconds)
            {
                await ExecuteAsync(connection, $"drop database if exists {name} with (force)");
            }
            else if (name.StartsWith(TemplatePrefix, StringComparison.Ordinal))
            {
                templates.Add(name);
            }
        }

        return templates;
    }

    private static IEnumerable<string> Migrations()
    {
        var assembly = typeof(PostgresStorageOptions).Assembly;
        foreach (
            var name in assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith("sql/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
        )
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return reader.ReadToEnd();
        }
    }

    private static long UnixTime() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    private static string On(string server, string database, bool pooling = true) =>
        new NpgsqlConnectionStringBuilder(server) { Database = database, Pooling = pooling }.ConnectionString;

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
