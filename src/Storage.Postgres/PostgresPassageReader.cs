using System.Text;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>Reads stored text of current versions.</summary>
internal sealed class PostgresPassageReader(PostgresDatabase database) : IPassageReader
{
    public async ValueTask<string?> ReadAsync(
        PassageReference passage,
        Principal principal,
        CancellationToken cancellationToken = default
    ) =>
        passage.Start < 0 || passage.End < passage.Start || !PostgresAccess.CanBeStored(passage.DocumentId)
            ? null
            : await database
                .ReadAsync(null, session => ReadAsync(session, passage, principal), cancellationToken)
                .ConfigureAwait(false);

    private static async Task<string?> ReadAsync(PostgresSession session, PassageReference passage, Principal principal)
    {
        // The ranges of a version's chunks follow one another without a gap, and a chunk's text is exactly its range. An empty range has no
        // chunk of its own, so the document is asked for in any case.
        var reader = await session
            .QueryAsync(
                $"""
                select c.start_offset, c.text
                from slipway.documents d
                join slipway.document_versions v on v.document_id = d.id and v.version = d.version and v.text_length >= $6
                left join slipway.chunks c on c.document_id = d.id and c.start_offset < $6 and c.end_offset > $5
                where d.id = $3 and d.version = $4 and {PostgresAccess.Visible}
                order by c.ordinal
                """,
                principal.Tenant,
                PostgresAccess.Names(principal),
                passage.DocumentId,
                passage.Version,
                passage.Start,
                passage.End
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var text = new StringBuilder();
            var position = passage.Start;
            var mayRead = false;
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                mayRead = true;
                if (reader.IsDBNull(0))
                {
                    break;
                }

                var (start, chunk) = (reader.GetInt32(0), reader.GetString(1));
                var from = position - start;
                var to = Math.Min(chunk.Length, passage.End - start);
                if (from < 0 || from > to)
                {
                    return null;
                }

                text.Append(chunk, from, to - from);
                position = start + to;
            }

            return mayRead && position == passage.End ? text.ToString() : null;
        }
    }
}
