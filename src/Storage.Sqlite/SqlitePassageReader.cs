using System.Text;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite;

/// <summary>Reads stored text of current versions.</summary>
internal sealed class SqlitePassageReader(SqliteDatabase database) : IPassageReader
{
    public ValueTask<string?> ReadAsync(
        PassageReference passage,
        Principal principal,
        CancellationToken cancellationToken = default
    ) => database.ReadAsync(session => Read(session, passage, principal), cancellationToken);

    private string? Read(SqliteSession session, PassageReference passage, Principal principal)
    {
        if (passage.Start < 0 || passage.End < passage.Start || !MayRead(session, passage, principal))
        {
            return null;
        }

        // The ranges of a version's chunks follow one another without a gap, and a chunk's text is exactly its range.
        var text = new StringBuilder();
        using var reader = session.Query(
            """
            select start_offset, text from chunks
            where document_id = $1 and start_offset < $3 and end_offset > $2
            order by ordinal
            """,
            passage.DocumentId,
            passage.Start,
            passage.End
        );
        var position = passage.Start;
        while (reader.Read())
        {
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

        return position == passage.End ? text.ToString() : null;
    }

    private bool MayRead(SqliteSession session, PassageReference passage, Principal principal)
    {
        using var reader = session.Query(
            """
            select d.collection from documents d join document_versions v on v.document_id = d.id and v.version = d.version
            where d.id = $1 and d.tenant = $2 and d.version = $3 and v.text_length >= $4
            """,
            passage.DocumentId,
            principal.Tenant,
            passage.Version,
            passage.End
        );
        return reader.Read()
            && new SqliteDocumentScope(
                database,
                session,
                new CollectionKey(principal.Tenant, reader.GetString(0)),
                principal
            )
                .FindAmong([passage.DocumentId])
                .Count > 0;
    }
}
