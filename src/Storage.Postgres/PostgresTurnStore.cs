using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;
using Slipway.Agents.Turns;
using Slipway.Internal;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>Running turns in PostgreSQL: what is written of them, by whom.</summary>
internal sealed partial class PostgresTurnStore(PostgresDatabase database, ProcessIdentity? process = null) : ITurnStore
{
    /// <summary>Finds a turn of its owner's, and keeps others from taking it over until the transaction is committed.</summary>
    internal const string LockSql = """
        select 1 from slipway.turns
        where id = $1 and tenant = $2 and user_id = $3 and fencing_token = $4 and status = 'Running' for no key update
        """;

    private readonly PostgresTurnState _state = new(database, process ?? ProcessIdentity.Current);
    private readonly PostgresTurnWriter _writer = new(database);

    public ValueTask<TurnAdmission> StartTurnAsync(TurnStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        return database.WriteAsync(start.Principal, session => StartAsync(session, start), cancellationToken);
    }

    public ValueTask<bool> WriteAsync(TurnOutput output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        return PostgresTurnWriter.Takes(output)
            ? new(_writer.WriteAsync(output))
            : database.WriteAsync(output.Principal, session => WriteAsync(session, output), cancellationToken);
    }

    private async Task<TurnAdmission> StartAsync(PostgresSession session, TurnStart start)
    {
        await BindAsync(session, start).ConfigureAwait(false);
        if (await FindByKeyAsync(session, start).ConfigureAwait(false) is { } earlier)
        {
            return new(earlier, Lease: null);
        }

        await RefuseSecondAsync(session, start).ConfigureAwait(false);
        if (start.Regenerate)
        {
            await SupersedeAnswerAsync(session, start).ConfigureAwait(false);
        }

        await InsertTurnAsync(session, start).ConfigureAwait(false);
        foreach (var message in start.Messages)
        {
            await PlaceAsync(session, start, message).ConfigureAwait(false);
        }

        InsertEvents(session, start.TurnId, 1, start.Events);
        if (start.Step is { } step)
        {
            Upsert(session, start.TurnId, step);
        }

        session.Queue(
            """
            update slipway.conversations set last_message_at = $4, title = coalesce(title, $5)
            where tenant = $1 and id = $2 and user_id = $3
            """,
            start.Principal.Tenant,
            start.ConversationId,
            start.Principal.Id,
            database.Now,
            start.Title is null ? null : StorableText.Of(start.Title)
        );
        return new(start.TurnId, new(start.TurnId, 1));
    }

    private async Task<bool> WriteAsync(PostgresSession session, TurnOutput output)
    {
        InsertUsage(session, output);
        if (output.ConversationId is null)
        {
            return true;
        }

        if (output.Messages.Count > 0)
        {
            // Before the turn is locked: whoever deletes a conversation locks it first as well.
            session.Queue(
                """
                update slipway.conversations set last_message_at = $4 where tenant = $1 and id = $2 and user_id = $3
                    and exists (select from slipway.turns t where t.id = $5 and t.fencing_token = $6 and t.status = 'Running')
                """,
                output.Principal.Tenant,
                output.ConversationId,
                output.Principal.Id,
                database.Now,
                output.TurnId,
                output.FencingToken
            );
        }

        if (
            await session
                .ScalarAsync(LockSql, output.TurnId, output.Principal.Tenant, output.Principal.Id, output.FencingToken)
                .ConfigureAwait(false)
            is null
        )
        {
            return false;
        }

        InsertEvents(session, output.TurnId, output.FirstSequence, output.Events);
        foreach (var step in output.Steps)
        {
            Upsert(session, output.TurnId, step);
        }

        foreach (var message in output.Messages)
        {
            Insert(session, output, message);
        }

        if (output.End is { } end)
        {
            Close(session, output.TurnId, end);
        }

        session.Changed.Add(ChangeTopic.Turn(output.TurnId));
        return true;
    }

    private void Close(PostgresSession session, string turnId, TurnEnd end) =>
        session.Queue(
            """
            update slipway.turns set status = $2, finish_reason = $3, error_class = $4, error = $5,
                   input_tokens = $6, output_tokens = $7, finished_at = $8, lease_expires_at = null, request = null
            where id = $1
            """,
            turnId,
            end.Status.ToString(),
            end.FinishReason,
            end.ErrorClass?.ToString(),
            end.Error is null ? null : StorableText.Of(end.Error),
            end.Usage?.InputTokens,
            end.Usage?.OutputTokens,
            database.Now
        );

    private void InsertEvents(PostgresSession session, string turnId, long first, IReadOnlyList<TurnEvent> events)
    {
        if (events.Count > 0)
        {
            session.Queue(
                """
                insert into slipway.turn_events (turn_id, sequence, data, created_at)
                select $1, $2 + event.place - 1, event.data, $4 from unnest($3) with ordinality as event (data, place)
                on conflict do nothing
                """,
                turnId,
                first,
                events.Select(StoredTurnEvent.Write).ToArray(),
                database.Now
            );
        }
    }

    private void Upsert(PostgresSession session, string turnId, TurnStep step) =>
        session.Queue(
            """
            insert into slipway.turn_steps (turn_id, number, kind, name, call_id, status, data, started_at, finished_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (turn_id, number) do update
                set status = excluded.status, data = excluded.data, finished_at = excluded.finished_at
            """,
            turnId,
            step.Number,
            step.Kind.ToString(),
            step.Name is null ? null : StorableText.Of(step.Name),
            step.CallId is null ? null : StorableText.Of(step.CallId),
            step.Status.ToString(),
            step.Data is null ? null : StoredMessage.Scrub(step.Data),
            database.Now,
            step.Status == TurnStepStatus.Finished ? database.Now : null
        );

    private void Insert(PostgresSession session, TurnOutput output, ChatMessage message) =>
        session.Queue(
            """
            insert into slipway.messages (tenant, conversation_id, id, turn_id, role, format, content, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict do nothing
            """,
            output.Principal.Tenant,
            output.ConversationId,
            message.MessageId ?? throw new ArgumentException("A stored message needs an id.", nameof(message)),
            output.TurnId,
            message.Role.Value,
            StoredMessage.Format,
            StoredMessage.Write(message),
            database.Now
        );

    private void InsertUsage(PostgresSession session, TurnOutput output)
    {
        if (output.Usage is not null)
        {
            session.Queue(
                """
                insert into slipway.usage (tenant, user_id, turn_id, kind, model, input_tokens, output_tokens, created_at,
                    cached_input_tokens, cost)
                values ($1, $2, $3, 'chat', $4, $5, $6, $7, $8, $9)
                """,
                output.Principal.Tenant,
                output.Principal.Id,
                output.TurnId,
                output.Model,
                output.Usage.InputTokens,
                output.Usage.OutputTokens,
                database.Now,
                output.Usage.CachedInputTokens,
                output.Cost is { } cost ? Spend.ToNanos(cost) : null
            );
        }

        foreach (var tool in output.ToolsCalled)
        {
            session.Queue(
                """
                insert into slipway.usage (tenant, user_id, turn_id, kind, tool, created_at) values ($1, $2, $3, 'tool', $4, $5)
                """,
                output.Principal.Tenant,
                output.Principal.Id,
                output.TurnId,
                StorableText.Of(tool),
                database.Now
            );
        }
    }
}
