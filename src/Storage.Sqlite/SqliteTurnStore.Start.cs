using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

// What must hold before a turn begins, and where its messages go.
internal sealed partial class SqliteTurnStore
{
    /// <summary>A free id becomes the principal's; one that is somebody else's does not exist.</summary>
    private void Bind(SqliteSession session, TurnStart start)
    {
        if (!start.Regenerate)
        {
            session.Execute(
                """
                insert into conversations (tenant, id, user_id, created_at, last_message_at) values ($1, $2, $3, $4, $4)
                on conflict do nothing
                """,
                start.Principal.Tenant,
                start.ConversationId,
                start.Principal.Id,
                database.Now
            );
        }

        if (
            session.Scalar(
                "select 1 from conversations where tenant = $1 and id = $2 and user_id = $3",
                start.Principal.Tenant,
                start.ConversationId,
                start.Principal.Id
            )
            is null
        )
        {
            throw new ConversationNotFoundException(start.ConversationId);
        }
    }

    private static string? FindByKey(SqliteSession session, TurnStart start)
    {
        if (start.IdempotencyKey is null)
        {
            return null;
        }

        using var rows = session.Query(
            "select id, request_hash from turns where tenant = $1 and user_id = $2 and idempotency_key = $3",
            start.Principal.Tenant,
            start.Principal.Id,
            start.IdempotencyKey
        );
        return !rows.Read() ? null
            : rows.NullableString(1) == start.RequestHash ? rows.GetString(0)
            : throw TurnStart.OtherRequest(start.IdempotencyKey);
    }

    /// <summary>One turn at a time. What the release before left running is closed where its process is gone.</summary>
    private void RefuseSecond(SqliteSession session, TurnStart start)
    {
        List<string> orphans = [];
        using (
            var rows = session.Query(
                $"""
                select id, fencing_token, {SqliteTurnState.Columns} from turns
                where tenant = $1 and conversation_id = $2 and status = 'Running'
                """,
                start.Principal.Tenant,
                start.ConversationId
            )
        )
        {
            while (rows.Read())
            {
                var isAbandoned = _state.Read(rows, 2) == TurnStatus.Interrupted;
                if (rows.GetInt64(1) > 0)
                {
                    throw new ConversationBusyException(start.ConversationId, rows.GetString(0), isAbandoned);
                }

                if (isAbandoned)
                {
                    orphans.Add(rows.GetString(0));
                }
            }
        }

        foreach (var id in orphans)
        {
            session.Execute(
                "update turns set status = 'Interrupted', finished_at = $2 where id = $1",
                id,
                database.Now
            );
        }
    }

    private void InsertTurn(SqliteSession session, TurnStart start) =>
        session.Execute(
            """
            insert into turns (id, tenant, conversation_id, user_id, status, owner, started_at, fencing_token, lease_expires_at,
                               idempotency_key, request_hash, request)
            values ($1, $2, $3, $4, 'Running', $5, $6, 1, slipway_now() + $7, $8, $9, $10)
            """,
            start.TurnId,
            start.Principal.Tenant,
            start.ConversationId,
            start.Principal.Id,
            _state.Owner,
            database.Now,
            StoredValue.Milliseconds(start.LeaseDuration),
            start.IdempotencyKey,
            start.RequestHash,
            start.Request is null ? null : StoredMessage.Scrub(start.Request)
        );

    private void SupersedeAnswer(SqliteSession session, TurnStart start)
    {
        var asked =
            session.Scalar(
                """
                select max(sequence) from messages
                where tenant = $1 and conversation_id = $2 and role = 'user' and superseded_at is null
                """,
                start.Principal.Tenant,
                start.ConversationId
            )
            ?? throw new SlipwayException(
                ErrorClass.Permanent,
                "The conversation has no message that could be answered again.",
                "Send a message first."
            );
        SupersedeAfter(session, start, (long)asked);
    }

    private void SupersedeAfter(SqliteSession session, TurnStart start, long sequence) =>
        session.Execute(
            """
            update messages set superseded_at = $4
            where tenant = $1 and conversation_id = $2 and sequence > $3 and superseded_at is null
            """,
            start.Principal.Tenant,
            start.ConversationId,
            sequence,
            database.Now
        );

    /// <summary>
    /// Stores a new message. An id that is there already is a client that tries again or edits: the message keeps its place and what
    /// followed is superseded.
    /// </summary>
    private void Place(SqliteSession session, TurnStart start, ChatMessage message)
    {
        var known = session.Scalar(
            "select sequence from messages where tenant = $1 and conversation_id = $2 and id = $3",
            start.Principal.Tenant,
            start.ConversationId,
            message.MessageId
        );
        if (known is null)
        {
            Insert(session, Output(start), message);
            return;
        }

        var replaced = session.Execute(
            """
            update messages set content = $3, format = $4, turn_id = $5, superseded_at = null
            where tenant = $1 and sequence = $2 and role = 'user'
            """,
            start.Principal.Tenant,
            known,
            StoredMessage.Write(message),
            StoredMessage.Format,
            start.TurnId
        );
        if (replaced == 0)
        {
            throw new SlipwayException(
                ErrorClass.Permanent,
                $"The message '{message.MessageId}' is the agent's and cannot be replaced.",
                "Send the message under a new id."
            );
        }

        SupersedeAfter(session, start, (long)known);
    }

    private static TurnOutput Output(TurnStart start) =>
        new()
        {
            TurnId = start.TurnId,
            Principal = start.Principal,
            ConversationId = start.ConversationId,
        };
}
