using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;
using Slipway.Agents.Turns;
using Slipway.Internal;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Running turns in the SQLite file: what is written of them, by whom.</summary>
internal sealed partial class SqliteTurnStore(SqliteDatabase database, ProcessIdentity? process = null) : ITurnStore
{
    private readonly SqliteTurnState _state = new(database, process ?? ProcessIdentity.Current);

    public ValueTask<TurnAdmission> StartTurnAsync(TurnStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        return database.WriteAsync(session => Start(session, start), cancellationToken);
    }

    public ValueTask<bool> WriteAsync(TurnOutput output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        return database.WriteAsync(session => Write(session, output), cancellationToken);
    }

    private TurnAdmission Start(SqliteSession session, TurnStart start)
    {
        Bind(session, start);
        if (FindByKey(session, start) is { } earlier)
        {
            return new(earlier, Lease: null);
        }

        RefuseSecond(session, start);
        if (start.Regenerate)
        {
            SupersedeAnswer(session, start);
        }

        InsertTurn(session, start);
        foreach (var message in start.Messages)
        {
            Place(session, start, message);
        }

        InsertEvents(session, start.TurnId, 1, start.Events);
        if (start.Step is { } step)
        {
            Upsert(session, start.TurnId, step);
        }

        session.Execute(
            """
            update conversations set last_message_at = $4, title = coalesce(title, $5)
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

    private bool Write(SqliteSession session, TurnOutput output)
    {
        InsertUsage(session, output);
        if (
            output.ConversationId is null
            || session.Scalar(
                """
                select 1 from turns
                where id = $1 and tenant = $2 and user_id = $3 and fencing_token = $4 and status = 'Running'
                """,
                output.TurnId,
                output.Principal.Tenant,
                output.Principal.Id,
                output.FencingToken
            )
                is null
        )
        {
            return output.ConversationId is null;
        }

        InsertEvents(session, output.TurnId, output.FirstSequence, output.Events);
        foreach (var step in output.Steps)
        {
            Upsert(session, output.TurnId, step);
        }

        if (output.Messages.Count > 0)
        {
            foreach (var message in output.Messages)
            {
                Insert(session, output, message);
            }

            session.Execute(
                "update conversations set last_message_at = $4 where tenant = $1 and id = $2 and user_id = $3",
                output.Principal.Tenant,
                output.ConversationId,
                output.Principal.Id,
                database.Now
            );
        }

        if (output.End is { } end)
        {
            Close(session, output.TurnId, end);
        }

        session.Changed.Add(ChangeTopic.Turn(output.TurnId));
        return true;
    }

    private void Close(SqliteSession session, string turnId, TurnEnd end) =>
        session.Execute(
            """
            update turns set status = $2, finish_reason = $3, error_class = $4, error = $5,
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

    private void InsertEvents(SqliteSession session, string turnId, long first, IReadOnlyList<TurnEvent> events)
    {
        for (var i = 0; i < events.Count; i++)
        {
            session.Execute(
                """
                insert into turn_events (turn_id, sequence, data, created_at) values ($1, $2, $3, $4) on conflict do nothing
                """,
                turnId,
                first + i,
                StoredTurnEvent.Write(events[i]),
                database.Now
            );
        }
    }

    private void Upsert(SqliteSession session, string turnId, TurnStep step) =>
        session.Execute(
            """
            insert into turn_steps (turn_id, number, kind, name, call_id, status, data, started_at, finished_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, case when $6 = 'Finished' then $8 end)
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
            database.Now
        );

    private void Insert(SqliteSession session, TurnOutput output, ChatMessage message) =>
        session.Execute(
            """
            insert into messages (tenant, conversation_id, id, turn_id, role, format, content, created_at)
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

    private void InsertUsage(SqliteSession session, TurnOutput output)
    {
        if (output.Usage is not null)
        {
            session.Execute(
                """
                insert into usage (tenant, user_id, turn_id, kind, model, input_tokens, output_tokens, created_at,
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
            session.Execute(
                """
                insert into usage (tenant, user_id, turn_id, kind, tool, created_at) values ($1, $2, $3, 'tool', $4, $5)
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
