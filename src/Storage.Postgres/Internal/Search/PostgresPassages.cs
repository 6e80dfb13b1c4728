using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>Reads passages of chunks that a query may find.</summary>
internal static class PostgresPassages
{
    public static async Task<IReadOnlyList<Passage>> ReadAsync(
        PostgresSession session,
        PostgresDocumentScope scope,
        IReadOnlyList<ScoredChunk> chunks
    )
    {
        var statement = scope.Statement(byDocument: true);
        var ids = statement.Add(chunks.Select(chunk => chunk.DocumentId).ToArray());
        var ordinals = statement.Add(chunks.Select(chunk => chunk.Ordinal).ToArray());
        var reader = await session
            .QueryAsync(
                $"""
                select wanted.place, d.version, c.start_offset, c.end_offset, d.title, d.name, d.source, d.uri, d.media_type, c.headings,
                       c.repeated_header, c.text
                from unnest({ids}::text[], {ordinals}::integer[]) with ordinality wanted (document_id, ordinal, place)
                join slipway.documents d on d.id = wanted.document_id
                join slipway.chunks c on c.document_id = wanted.document_id and c.ordinal = wanted.ordinal
                where {statement.Condition}
                """,
                statement.Arguments
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var passages = new Passage?[chunks.Count];
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                var place = reader.GetInt64(0) - 1; // counted from one
                passages[place] = Read(reader, chunks[(int)place]);
            }

            return [.. passages.OfType<Passage>()];
        }
    }

    private static Passage Read(NpgsqlDataReader reader, ScoredChunk chunk) =>
        new()
        {
            Reference = new PassageReference(
                chunk.DocumentId,
                reader.GetInt32(1),
                reader.GetInt32(2),
                reader.GetInt32(3)
            ),
            Ordinal = chunk.Ordinal,
            Title = reader.GetString(4),
            Name = reader.GetString(5),
            Source = reader.GetString(6),
            Uri = reader.NullableString(7),
            MediaType = reader.NullableString(8),
            Headings = reader.NullableString(9) is { } headings
                ? JsonSerializer.Deserialize(headings, HeadingsJsonContext.Default.StringArray)!
                : [],
            RepeatedHeader = reader.NullableString(10),
            Text = reader.GetString(11),
            Score = chunk.Score,
        };
}

[JsonSerializable(typeof(string[]))]
internal sealed partial class HeadingsJsonContext : JsonSerializerContext;
