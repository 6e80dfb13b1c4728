using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

// What must hold before a turn begins, and where its messages go.
internal sealed partial class PostgresTurnStore
{
    /// <summary>A free id becomes the principal's, and its row is locked; one that is somebody else's does not exist.</summary>
    private async Task BindAsync(PostgresSession session, TurnStart start)
    {
        if (!start.Regenerate)
        {
            session.Queue(
                """
                insert into slipway.conversations (tenant, id, user_id, created_at, last_message_at) values ($1, $2, $3, $4, $4)
                on conflict do nothing
                """,
                start.Principal.Tenant,
                start.ConversationId,
                start.Principal.Id,
                database.Now
            );
        }

        if (
            await session
                .ScalarAsync(
                    "select 1 from slipway.conversations where tenant = $1 and id = $2 and user_id = $3 for no key update",
                    start.Principal.Tenant,
                    start.ConversationId,
                    start.Principal.Id
                )
                .ConfigureAwait(false)
            is null
        )
        {
            throw new ConversationNotFoundException(start.ConversationId);
        }
    }

    private static async Task<string?> FindByKeyAsync(PostgresSession session, TurnStart start)
    {
        if (start.IdempotencyKey is null)
        {
            return null;
        }

        var rows = await session
            .QueryAsync(
                "select id, request_hash from slipway.turns where tenant = $1 and user_id = $2 and idempotency_key = $3",
                start.Principal.Tenant,
                start.Principal.Id,
                start.IdempotencyKey
            )
            .ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            return !await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false) ? null
                : rows.NullableString(1) == start.RequestHash ? rows.GetString(0)
                : throw TurnStart.OtherRequest(start.IdempotencyKey);
        }
    }

    /// <summary>One turn at a time. What the release before left running is closed where its process is gone.</summary>
    private async Task RefuseSecondAsync(PostgresSession session, TurnStart start)
    {
        List<string> orphans = [];
        var rows = await session
            .QueryAsync(
                $"""
                select id, fencing_token, {PostgresTurnState.Columns} from slipway.turns
                where tenant = $1 and conversation_id = $2 and status = 'Running'
                """,
                start.Principal.Tenant,
                start.ConversationId
            )
            .ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            while (await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false))
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

        if (orphans.Count > 0)
        {
            session.Queue(
                "update slipway.turns set status = 'Interrupted', finished_at = $2 where id = any($1) and status = 'Running'",
                orphans.ToArray(),
                database.Now
            );
        }
    }

    private async Task InsertTurnAsync(PostgresSession session, TurnStart start)
    {
        var inserted = session.Queue(
            """
            insert into slipway.turns (id, tenant, conversation_id, user_id, status, owner, started_at, fencing_token, lease_expires_at,
                                       idempotency_key, request_hash, request)
            values ($1, $2, $3, $4, 'Running', $5, $6, 1, slipway.now() + $7 * interval '1 millisecond', $8, $9, $10)
            on conflict (tenant, user_id, idempotency_key) where idempotency_key is not null do nothing
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
        if (start.IdempotencyKey is not null)
        {
            await session.FlushAsync().ConfigureAwait(false);
            if (inserted.RecordsAffected == 0)
            {
                // The lock on the conversation keeps out the same request; this is another one, which came at the same moment.
                throw TurnStart.OtherRequest(start.IdempotencyKey);
            }
        }
    }

    private async Task SupersedeAnswerAsync(PostgresSession session, TurnStart start)
    {
        var asked =
            await session
                .ScalarAsync(
                    """
                    select max(sequence) from slipway.messages
                    where tenant = $1 and conversation_id = $2 and role = 'user' and superseded_at is null
                    """,
                    start.Principal.Tenant,
                    start.ConversationId
                )
                .ConfigureAwait(false)
            ?? throw new SlipwayException(
                ErrorClass.Permanent,
                "The conversation has no message that could be answered again.",
                "Send a message first."
            );
        SupersedeAfter(session, start, (long)asked);
    }

    private void SupersedeAfter(PostgresSession session, TurnStart start, long sequence) =>
        session.Queue(
            """
            update slipway.messages set superseded_at = $4
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
    private async Task PlaceAsync(PostgresSession session, TurnStart start, ChatMessage message)
    {
        var known = await session
            .ScalarAsync(
                "select sequence from slipway.messages where tenant = $1 and conversation_id = $2 and id = $3",
                start.Principal.Tenant,
                start.ConversationId,
                message.MessageId
            )
            .ConfigureAwait(false);
        if (known is null)
        {
            Insert(session, Output(start), message);
            return;
        }

        var replaced = await session
            .ExecuteAsync(
                """
                update slipway.messages set content = $3, format = $4, turn_id = $5, superseded_at = null
                where tenant = $1 and sequence = $2 and role = 'user'
                """,
                start.Principal.Tenant,
                known,
                StoredMessage.Write(message),
                StoredMessage.Format,
                start.TurnId
            )
            .ConfigureAwait(false);
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
