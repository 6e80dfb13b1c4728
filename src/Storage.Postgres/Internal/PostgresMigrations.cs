using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>Applies the embedded migrations in one transaction; ten instances that start at once queue at an advisory lock.</summary>
internal static class PostgresMigrations
{
    // "slipway" in ASCII: the database's advisory locks are numbers that all its applications share.
    private const long Lock = 0x736c_6970_7761_79;

    // What is made belongs to whoever owns the schema, not to the login that happened to migrate.
    private const string ActAsOwner = """
        do $$
        declare
            owner name := (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'slipway');
        begin
            if owner <> current_user and pg_has_role(owner, 'member') then
                execute format('set local role %I', owner);
            end if;
        end
        $$
        """;

    public static async Task ApplyAsync(
        NpgsqlConnection connection,
        bool mayMigrate,
        string target,
        CancellationToken cancellationToken
    )
    {
        // The common start: no lock, and no right to change the schema is needed.
        if (await FindPendingAsync(connection, target, cancellationToken).ConfigureAwait(false) is [])
        {
            return;
        }

        if (!mayMigrate)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"The schema of the database {target} is not up to date, and Storage:Migrate is off.",
                "Run the migrations as the owner of the schema (sql/README.md)."
            );
        }

        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            await ExecuteAsync(connection, $"select pg_advisory_xact_lock({Lock})", cancellationToken)
                .ConfigureAwait(false);
            await ExecuteAsync(connection, ActAsOwner, cancellationToken).ConfigureAwait(false);
            foreach (
                var migration in await FindPendingAsync(connection, target, cancellationToken).ConfigureAwait(false)
            )
            {
                await ExecuteAsync(connection, migration.Sql, cancellationToken).ConfigureAwait(false);
                await ExecuteAsync(
                        connection,
                        $"update slipway.schema_migrations set hash = '{Hash(migration)}' where number = {migration.Number}",
                        cancellationToken
                    )
                    .ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The migrations that the database lacks, in order.</summary>
    public static async Task<IReadOnlyList<StoreMigration>> FindPendingAsync(
        NpgsqlConnection connection,
        string target,
        CancellationToken cancellationToken
    )
    {
        var migrations = Embedded();
        var applied = await ReadAppliedAsync(connection, cancellationToken).ConfigureAwait(false);
        var newest = migrations[^1].Number;
        if (applied.Values.DefaultIfEmpty().Max() > newest)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"The database {target} was migrated by a newer release (migration {applied.Keys.Max()}), and this release, which knows "
                    + $"migrations up to {newest}, cannot run on it.",
                "Run the newer release, or restore the backup that was made before it."
            );
        }

        return [.. migrations.Where(migration => !applied.ContainsKey(migration.Number))];
    }

    public static IReadOnlyList<StoreMigration> Embedded()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return
        [
            .. assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith("sql/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name =>
                {
                    using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
                    var file = Path.GetFileNameWithoutExtension(name["sql/".Length..]);
                    return new StoreMigration(
                        int.Parse(file.AsSpan(0, 4), System.Globalization.CultureInfo.InvariantCulture),
                        file[5..],
                        reader.ReadToEnd()
                    );
                }),
        ];
    }

    /// <summary>Numbers of what is applied, each with the number that a program must know to run on the schema since then.</summary>
    private static async Task<Dictionary<int, int>> ReadAppliedAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        var exists = new NpgsqlCommand("select to_regclass('slipway.schema_migrations') is not null", connection);
        await using (exists.ConfigureAwait(false))
        {
            if (await exists.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not true)
            {
                return [];
            }
        }

        var command = new NpgsqlCommand("select number, oldest_program from slipway.schema_migrations", connection);
        await using (command.ConfigureAwait(false))
        {
            Dictionary<int, int> applied = [];
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    applied.Add(reader.GetInt32(0), reader.GetInt32(1));
                }
            }

            return applied;
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // Migrations may take longer than a query of the application ever should.
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static string Hash(StoreMigration migration) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(migration.Sql)));
}
