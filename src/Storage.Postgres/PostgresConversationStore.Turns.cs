using Microsoft.Extensions.AI;
using Npgsql;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresConversationStore
{
    private const string TurnColumns =
        "id, conversation_id, status, owner, started_at, finish_reason, error, input_tokens, output_tokens, finished_at";

    public ValueTask StartTurnAsync(TurnStart start, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            start.Principal,
            async session =>
            {
                await CloseOrphansAsync(session, start.Principal).ConfigureAwait(false);
                await BindAsync(session, start).ConfigureAwait(false);
                if (start.Regenerate)
                {
                    await SupersedeAnswerAsync(session, start).ConfigureAwait(false);
                }

                InsertTurn(session, start);
                foreach (var message in start.Messages)
                {
                    await PlaceAsync(session, start, message).ConfigureAwait(false);
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
            },
            cancellationToken
        );

    public ValueTask AppendAsync(TurnOutput output, CancellationToken cancellationToken = default) =>
        database.WriteAsync(output.Principal, session => AppendAsync(session, output), cancellationToken);

    public ValueTask FinishTurnAsync(TurnOutput output, TurnEnd end, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            output.Principal,
            async session =>
            {
                await AppendAsync(session, output).ConfigureAwait(false);
                session.Queue(
                    """
                    update slipway.turns set status = $4, finish_reason = $5, error_class = $6, error = $7,
                           input_tokens = $8, output_tokens = $9, finished_at = $10
                    where id = $1 and tenant = $2 and user_id = $3
                    """,
                    output.TurnId,
                    output.Principal.Tenant,
                    output.Principal.Id,
                    end.Status.ToString(),
                    end.FinishReason,
                    end.ErrorClass?.ToString(),
                    end.Error is null ? null : StorableText.Of(end.Error),
                    end.Usage?.InputTokens,
                    end.Usage?.OutputTokens,
                    database.Now
                );
            },
            cancellationToken
        );

    public ValueTask<TurnInfo?> FindTurnAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    ) =>
        FindTurnAsync(
            principal,
            $"select {TurnColumns} from slipway.turns where tenant = $1 and user_id = $2 and id = $3",
            turnId,
            cancellationToken
        );

    public ValueTask<TurnInfo?> FindLastTurnAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        FindTurnAsync(
            principal,
            $"""
            select {TurnColumns} from slipway.turns where tenant = $1 and user_id = $2 and conversation_id = $3
            order by started_at desc, id desc limit 1
            """,
            conversationId,
            cancellationToken
        );

    private async ValueTask<TurnInfo?> FindTurnAsync(
        Principal principal,
        string sql,
        string id,
        CancellationToken cancellationToken
    ) =>
        !PostgresAccess.CanBeStored(id)
            ? null
            : await database
                .ReadAsync(
                    principal,
                    async session =>
                    {
                        var rows = await session
                            .QueryAsync(sql, principal.Tenant, principal.Id, id)
                            .ConfigureAwait(false);
                        await using (rows.ConfigureAwait(false))
                        {
                            return await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                                ? ReadTurn(rows)
                                : null;
                        }
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);

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

    private void InsertTurn(PostgresSession session, TurnStart start) =>
        session.Queue(
            """
            insert into slipway.turns (id, tenant, conversation_id, user_id, status, owner, started_at)
            values ($1, $2, $3, $4, 'Running', $5, $6)
            """,
            start.TurnId,
            start.Principal.Tenant,
            start.ConversationId,
            start.Principal.Id,
            _process.ToString(),
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

    private async Task AppendAsync(PostgresSession session, TurnOutput output)
    {
        // The update locks the conversation, so it cannot be deleted while its messages are added, and tells whether it is there.
        if (
            output is { Messages.Count: > 0, ConversationId: not null }
            && await session
                .ExecuteAsync(
                    "update slipway.conversations set last_message_at = $4 where tenant = $1 and id = $2 and user_id = $3",
                    output.Principal.Tenant,
                    output.ConversationId,
                    output.Principal.Id,
                    database.Now
                )
                .ConfigureAwait(false) > 0
        )
        {
            foreach (var message in output.Messages)
            {
                Insert(session, output, message);
            }
        }

        if (output.Usage is not null)
        {
            session.Queue(
                """
                insert into slipway.usage (tenant, user_id, turn_id, kind, model, input_tokens, output_tokens, created_at)
                values ($1, $2, $3, 'chat', $4, $5, $6, $7)
                """,
                output.Principal.Tenant,
                output.Principal.Id,
                output.TurnId,
                output.Model,
                output.Usage.InputTokens,
                output.Usage.OutputTokens,
                database.Now
            );
        }
    }

    /// <summary>
    /// The principal's turns whose process is gone are written down as interrupted; until then they are read as such. Another user's are
    /// theirs to close.
    /// </summary>
    private async Task CloseOrphansAsync(PostgresSession session, Principal principal)
    {
        List<string> orphans = [];
        var rows = await session
            .QueryAsync(
                $"select {TurnColumns} from slipway.turns where tenant = $1 and user_id = $2 and status = 'Running'",
                principal.Tenant,
                principal.Id
            )
            .ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            while (await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                if (ReadStatus(rows, 2) == TurnStatus.Interrupted)
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

    private static TurnOutput Output(TurnStart start) =>
        new()
        {
            TurnId = start.TurnId,
            Principal = start.Principal,
            ConversationId = start.ConversationId,
        };

    /// <summary>The status in a column that is followed by owner and start.</summary>
    private TurnStatus ReadStatus(NpgsqlDataReader row, int column)
    {
        var status = Enum.TryParse<TurnStatus>(row.GetString(column), out var parsed) ? parsed : TurnStatus.Failed;
        return
            status == TurnStatus.Running
            && !_process.MayBeAlive(
                row.NullableString(column + 1) ?? "",
                database.Time.GetUtcNow() - row.Time(column + 2)
            )
            ? TurnStatus.Interrupted
            : status;
    }

    private TurnInfo ReadTurn(NpgsqlDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            ConversationId = row.GetString(1),
            Status = ReadStatus(row, 2),
            StartedAt = row.Time(4),
            FinishReason = row.NullableString(5),
            Error = row.NullableString(6),
            Usage = row.IsDBNull(7) ? null : new(row.GetInt64(7), row.NullableInt64(8) ?? 0),
            FinishedAt = row.NullableTime(9),
        };
}
