using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>Applies the embedded migrations in one transaction; ten processes that start at once queue at the write lock.</summary>
internal static partial class SqliteMigrations
{
    public static void Apply(SqliteSession session, long now)
    {
        if (IsCurrent(session))
        {
            return; // the common start: no lock is taken, so another process's long write does not hold it up
        }

        using var transaction = session.Connection.BeginTransaction();
        session.Transaction = transaction;
        session.Execute(
            """
            create table if not exists schema_migrations (
                number     integer primary key,
                name       text not null,
                hash       text not null,
                applied_at integer not null
            )
            """
        );
        foreach (var (number, name, sql) in Embedded())
        {
            if (session.Scalar("select 1 from schema_migrations where number = $1", number) is null)
            {
                using var command = session.Connection.CreateCommand();
                command.Transaction = transaction;
                command.CommandText = WithoutKnownColumns(session, sql);
                command.ExecuteNonQuery();
                session.Execute(
                    "insert into schema_migrations (number, name, hash, applied_at) values ($1, $2, $3, $4)",
                    number,
                    name,
                    Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql))),
                    now
                );
            }
        }

        transaction.Commit();
        session.Transaction = null;
    }

    /// <summary>
    /// A migration that somebody ran by hand runs once more, and SQLite knows no "add column if not exists": such a statement stands in a
    /// line of its own and is left out where the column is there.
    /// </summary>
    private static string WithoutKnownColumns(SqliteSession session, string sql) =>
        AddColumn()
            .Replace(
                sql,
                statement =>
                    session.Scalar(
                        "select 1 from pragma_table_info($1) where name = $2",
                        statement.Groups["table"].Value,
                        statement.Groups["column"].Value
                    )
                        is null
                        ? statement.Value
                        : ""
            );

    [GeneratedRegex(
        @"^alter table (?<table>\w+) add column (?<column>\w+) .*;$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        1_000
    )]
    private static partial Regex AddColumn();

    private static bool IsCurrent(SqliteSession session) =>
        session.Scalar("select 1 from sqlite_master where name = 'schema_migrations'") is not null
        && Convert.ToInt64(
            session.Scalar("select coalesce(max(number), 0) from schema_migrations"),
            System.Globalization.CultureInfo.InvariantCulture
        ) >= Embedded().Max(migration => migration.Number);

    /// <summary>The migrations that a file lacks, which need not exist; changes nothing.</summary>
    public static IReadOnlyList<StoreMigration> FindPending(string path)
    {
        var migrations = Embedded().Select(m => new StoreMigration(m.Number, m.Name, m.Sql)).ToList();
        if (!File.Exists(path))
        {
            return migrations;
        }

        using var session = new SqliteSession(
            new SqliteConnection(
                new SqliteConnectionStringBuilder
                {
                    DataSource = path,
                    Mode = SqliteOpenMode.ReadOnly,
                    Pooling = false,
                }.ToString()
            )
        );
        session.Connection.Open();
        if (session.Scalar("select 1 from sqlite_master where name = 'schema_migrations'") is null)
        {
            return migrations;
        }

        HashSet<int> applied = [];
        using var rows = session.Query("select number from schema_migrations");
        while (rows.Read())
        {
            applied.Add(rows.GetInt32(0));
        }

        return migrations.FindAll(migration => !applied.Contains(migration.Number));
    }

    internal static IEnumerable<(int Number, string Name, string Sql)> Embedded()
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (
            var resource in assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith("sql/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
        )
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
            var file = System.IO.Path.GetFileNameWithoutExtension(resource["sql/".Length..]);
            yield return (
                int.Parse(file.AsSpan(0, 4), System.Globalization.CultureInfo.InvariantCulture),
                file[5..],
                reader.ReadToEnd()
            );
        }
    }
}
