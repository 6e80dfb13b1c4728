using System.Collections.Concurrent;
using Npgsql;

[assembly: AssemblyFixture(typeof(Slipway.Tests.EmptiedDatabases))]

namespace Slipway.Tests;

// To make and drop a database costs more than most tests do. One that only holds other rows is emptied and given to the next test; one
// whose schema, rights or settings a test has changed is dropped.
internal sealed partial class PostgresTestDatabase
{
    // What migrations make, and what else a test may leave behind that is not a row.
    private const string SchemaSql = """
        select md5(concat_ws(' ',
            (select string_agg(concat_ws(',', n.nspname, c.relname, c.relkind, c.relacl, c.relowner, c.reloptions, c.relrowsecurity,
                    c.relforcerowsecurity), ';' order by n.nspname, c.relname)
                from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname not like 'pg\_%'),
            (select string_agg(concat_ws(',', attrelid, attname, atttypid, attnotnull, atthasdef, attacl), ';' order by attrelid, attnum)
                from pg_attribute where attrelid >= 16384 and attnum > 0),
            (select string_agg(concat_ws(',', conrelid, conname), ';' order by oid) from pg_constraint where oid >= 16384),
            (select string_agg(concat_ws(',', pronamespace, proname, proacl, proconfig, prosrc), ';' order by oid)
                from pg_proc where oid >= 16384),
            (select string_agg(concat_ws(',', tgrelid, tgname, tgenabled), ';' order by oid) from pg_trigger where not tgisinternal),
            (select string_agg(concat_ws(',', polrelid, polname, polroles), ';' order by oid) from pg_policy),
            (select string_agg(concat_ws(',', nspname, nspacl, nspowner), ';' order by oid)
                from pg_namespace where nspname not like 'pg\_%'),
            (select string_agg(concat_ws(',', setrole, setconfig), ';' order by setrole)
                from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where d.datname = current_database()),
            (select string_agg(concat_ws(',', extname, extversion), ';' order by extname) from pg_extension),
            (select string_agg(m::text, ';' order by m::text) from slipway.schema_migrations m)))
        """;

    // Who is still at work in it was killed or forgotten. The pages tell without a look which tables were ever written. Few rows are
    // deleted: truncating makes new files for a table and each of its indexes, and every open connection reads their catalogue anew.
    private const string EmptySql = """
        select pg_terminate_backend(pid, 10000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' and backend_type = 'client backend';
        do $$
        declare written record; large text;
        begin
            set local session_replication_role = replica; -- no foreign key needs an order: all of it goes
            for written in
                select oid::regclass::text as name, pg_relation_size(oid) as size
                from pg_class
                where relnamespace = 'slipway'::regnamespace and relkind = 'r' and relname <> 'schema_migrations'
                    and pg_relation_size(oid) > 0
            loop
                if written.size > 500000 then
                    large := concat_ws(', ', large, written.name);
                else
                    execute 'delete from ' || written.name;
                end if;
            end loop;
            if large is not null then
                execute 'truncate ' || large || ' cascade';
            end if;
            perform setval(seqrelid, seqstart, false) from pg_sequence where seqrelid::regclass::text like 'slipway.%';
        end $$;
        select pg_stat_reset();
        """;

    private static readonly ConcurrentQueue<PostgresTestDatabase> Emptied = new();
    private static string? _schema;

    /// <summary>Drops the databases that wait for another test.</summary>
    public static async Task DropEmptiedAsync()
    {
        while (Emptied.TryDequeue(out var database))
        {
            await database.DropAsync();
        }
    }

    private static PostgresTestDatabase? TakeEmptied() =>
        Emptied.TryDequeue(out var ready)
            ? new PostgresTestDatabase(ready._server, ready.Name, ready._template, ready._dataSource)
            : null;

    /// <returns>Whether it is as new, and was kept for the next test.</returns>
    private async Task<bool> TryEmptyAsync()
    {
        if (_template is null)
        {
            return false;
        }

        try
        {
            _schema ??= await ReadSchemaAsync(On(_server, _template, pooling: false));
            if (await ReadSchemaAsync(ConnectionString) != _schema)
            {
                return false;
            }

            await using var connection = new NpgsqlConnection(ConnectionString);
            await connection.OpenAsync(CancellationToken.None);
            await ExecuteAsync(connection, EmptySql);
            Emptied.Enqueue(this);
            return true;
        }
        catch (NpgsqlException)
        {
            return false; // a test has shut it, or its connections were ended
        }
    }

    private static async Task<string> ReadSchemaAsync(string connectionString)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(SchemaSql, connection);
        return (string)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }
}

/// <summary>At the end of the run nothing stays on the server.</summary>
public sealed class EmptiedDatabases : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await PostgresTestDatabase.DropEmptiedAsync();
}
