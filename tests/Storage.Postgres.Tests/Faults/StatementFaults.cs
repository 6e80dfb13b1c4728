namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>Strikes at one of the statements that write, counted over all sessions: ends the session, or refuses with a code.</summary>
internal static class StatementFaults
{
    /// <summary>Instead of a code: the session ends.</summary>
    public const string Terminate = "end";

    public static Task InstallAsync(PostgresTestDatabase database) =>
        database.ExecuteAsync(
            $"""
            create schema faults;
            create sequence faults.statements; -- a rollback does not turn it back
            create table faults.due (statement bigint, code text);
            insert into faults.due values (0, '');
            create function faults.strike() returns trigger language plpgsql as $$
            declare
                here bigint := nextval('faults.statements');
                due faults.due;
            begin
                select * into due from faults.due;
                if here = due.statement and due.code = '{Terminate}' then
                    perform pg_terminate_backend(pg_backend_pid());
                elsif here = due.statement then
                    raise exception 'struck' using errcode = due.code;
                end if;
                return null;
            end
            $$;
            do $$
            declare
                name text;
            begin
                for name in select tablename from pg_tables where schemaname = 'slipway' loop
                    execute format('create trigger strike before insert or update or delete on slipway.%I
                        for each statement execute function faults.strike()', name);
                end loop;
            end
            $$
            """
        );

    /// <summary>Counts from one again, and says which statement is struck; 0 for none.</summary>
    public static Task ArmAsync(PostgresTestDatabase database, int statement, string code) =>
        database.ExecuteAsync(
            $"select setval('faults.statements', 1, false); update faults.due set statement = {statement}, code = '{code}'"
        );

    /// <summary>How many statements there were since.</summary>
    public static async Task<long> CountAsync(PostgresTestDatabase database) =>
        (long)
            (
                await database.ExecuteAsync(
                    "select case when is_called then last_value else 0 end from faults.statements"
                )
            )!;
}
