using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteConversationStore
{
    private const string TurnColumns =
        "id, conversation_id, status, owner, started_at, finish_reason, error, input_tokens, output_tokens, finished_at";

    public async ValueTask StartTurnAsync(TurnStart start, CancellationToken cancellationToken = default) =>
        await database
            .WriteAsync(
                session =>
                {
                    CloseOrphans(session);
                    Bind(session, start);
                    if (start.Regenerate)
                    {
                        SupersedeAnswer(session, start);
                    }

                    InsertTurn(session, start);
                    foreach (var message in start.Messages)
                    {
                        Place(session, start, message);
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
                },
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask AppendAsync(TurnOutput output, CancellationToken cancellationToken = default) =>
        await database.WriteAsync(session => Append(session, output), cancellationToken).ConfigureAwait(false);

    public async ValueTask FinishTurnAsync(
        TurnOutput output,
        TurnEnd end,
        CancellationToken cancellationToken = default
    ) =>
        await database
            .WriteAsync(
                session =>
                {
                    Append(session, output);
                    session.Execute(
                        """
                        update turns set status = $4, finish_reason = $5, error_class = $6, error = $7,
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
            )
            .ConfigureAwait(false);

    public ValueTask<TurnInfo?> FindTurnAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
            {
                using var rows = session.Query(
                    $"select {TurnColumns} from turns where id = $1 and tenant = $2 and user_id = $3",
                    turnId,
                    principal.Tenant,
                    principal.Id
                );
                return rows.Read() ? ReadTurn(rows) : null;
            },
            cancellationToken
        );

    public ValueTask<TurnInfo?> FindLastTurnAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
            {
                using var rows = session.Query(
                    $"""
                    select {TurnColumns} from turns where tenant = $1 and conversation_id = $2 and user_id = $3
                    order by started_at desc, id desc limit 1
                    """,
                    principal.Tenant,
                    conversationId,
                    principal.Id
                );
                return rows.Read() ? ReadTurn(rows) : null;
            },
            cancellationToken
        );

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

    private void InsertTurn(SqliteSession session, TurnStart start) =>
        session.Execute(
            """
            insert into turns (id, tenant, conversation_id, user_id, status, owner, started_at)
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

    private void Append(SqliteSession session, TurnOutput output)
    {
        foreach (var message in output.Messages.Where(_ => output.ConversationId is not null))
        {
            Insert(session, output, message);
        }

        if (output.Messages.Count > 0)
        {
            session.Execute(
                "update conversations set last_message_at = $4 where tenant = $1 and id = $2 and user_id = $3",
                output.Principal.Tenant,
                output.ConversationId,
                output.Principal.Id,
                database.Now
            );
        }

        if (output.Usage is not null)
        {
            session.Execute(
                """
                insert into usage (tenant, user_id, turn_id, kind, model, input_tokens, output_tokens, created_at)
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

    /// <summary>Turns whose process is gone are written down as interrupted; until then they are read as such.</summary>
    private void CloseOrphans(SqliteSession session)
    {
        List<string> orphans = [];
        using (var rows = session.Query($"select {TurnColumns} from turns where status = 'Running'"))
        {
            while (rows.Read())
            {
                if (ReadStatus(rows, 2) == TurnStatus.Interrupted)
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

    private static TurnOutput Output(TurnStart start) =>
        new()
        {
            TurnId = start.TurnId,
            Principal = start.Principal,
            ConversationId = start.ConversationId,
        };

    /// <summary>The status in a column that is followed by owner and start.</summary>
    private TurnStatus ReadStatus(SqliteDataReader row, int column)
    {
        var status = Enum.TryParse<TurnStatus>(row.GetString(column), out var parsed) ? parsed : TurnStatus.Failed;
        return
            status == TurnStatus.Running
            && !_process.MayBeAlive(
                row.IsDBNull(column + 1) ? "" : row.GetString(column + 1),
                database.Time.GetUtcNow() - Time(row, column + 2)
            )
            ? TurnStatus.Interrupted
            : status;
    }

    private TurnInfo ReadTurn(SqliteDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            ConversationId = row.GetString(1),
            Status = ReadStatus(row, 2),
            StartedAt = Time(row, 4),
            FinishReason = row.IsDBNull(5) ? null : row.GetString(5),
            Error = row.IsDBNull(6) ? null : row.GetString(6),
            Usage = row.IsDBNull(7) ? null : new(row.GetInt64(7), row.IsDBNull(8) ? 0 : row.GetInt64(8)),
            FinishedAt = row.IsDBNull(9) ? null : Time(row, 9),
        };
}
