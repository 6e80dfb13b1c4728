using System.Text.Json;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>One read transaction: index, visibility and passages all belong to its moment.</summary>
/// <param name="database">The file.</param>
/// <param name="read">The transaction; owned.</param>
/// <param name="searchIndex">What this process keeps in memory.</param>
/// <param name="collection">The collection.</param>
/// <param name="index">Null when there is nothing that the principal could find.</param>
/// <param name="scope">What may be found.</param>
internal sealed class SqliteSearchSnapshot(
    SqliteDatabase database,
    SqliteRead read,
    SqliteSearchIndex searchIndex,
    CollectionKey collection,
    SqliteIndex? index,
    SqliteDocumentScope scope
) : ISearchSnapshot
{
    public string? EmbeddingModel => index?.Embeddings.Model;

    public async ValueTask<IReadOnlyList<ScoredChunk>> SearchTextAsync(
        string query,
        int count,
        Bm25Options bm25,
        CancellationToken cancellationToken = default
    )
    {
        if (index is null)
        {
            return [];
        }

        using var scorer = database.Guard(() =>
            searchIndex.ScoreText(read.Session, index, query, bm25, cancellationToken)
        );
        return await scope.BestAsync(count, scorer.Top, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<ScoredChunk>> SearchVectorsAsync(
        string embeddingModel,
        ReadOnlyMemory<float> vector,
        int count,
        CancellationToken cancellationToken = default
    )
    {
        if (index is null)
        {
            return [];
        }

        var vectors = database.Guard(() => searchIndex.Vectors(read.Session, index, collection, embeddingModel));
        var candidates = await scope
            .BestAsync(
                SqliteVectorSet.Candidates(count),
                (wanted, isIncluded) => vectors.Nearest(vector.Span, wanted, isIncluded, cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false);
        return database.Guard(() => vectors.Rescore(read.Session, vector.Span, candidates, count));
    }

    public async ValueTask<IReadOnlyList<Passage>> ReadPassagesAsync(
        IReadOnlyList<ScoredChunk> chunks,
        CancellationToken cancellationToken = default
    )
    {
        if (index is null)
        {
            return [];
        }

        var included = await scope
            .FindAmongAsync(
                chunks.Select(chunk => chunk.DocumentId).ToHashSet(StringComparer.Ordinal),
                cancellationToken
            )
            .ConfigureAwait(false);
        return database.Guard(() =>
            chunks.Where(chunk => included.Contains(chunk.DocumentId)).Select(ReadPassage).OfType<Passage>().ToArray()
        );
    }

    public ValueTask DisposeAsync()
    {
        read.Dispose();
        return ValueTask.CompletedTask;
    }

    private Passage? ReadPassage(ScoredChunk chunk)
    {
        using var reader = read.Session.Query(
            """
            select document.version, chunk.start_offset, chunk.end_offset, document.title, document.name, document.source,
                   document.uri, document.media_type, chunk.headings, chunk.repeated_header, chunk.text
            from documents document join chunks chunk on chunk.document_id = document.id
            where document.id = $1 and chunk.ordinal = $2 and document.tenant = $3 and document.collection = $4
            """,
            chunk.DocumentId,
            chunk.Ordinal,
            collection.Tenant,
            collection.Collection
        );
        if (!reader.Read())
        {
            return null;
        }

        return new Passage
        {
            Reference = new PassageReference(
                chunk.DocumentId,
                reader.GetInt32(0),
                reader.GetInt32(1),
                reader.GetInt32(2)
            ),
            Ordinal = chunk.Ordinal,
            Title = reader.GetString(3),
            Name = reader.GetString(4),
            Source = reader.GetString(5),
            Uri = Text(6),
            MediaType = Text(7),
            Headings = Text(8) is { } headings
                ? JsonSerializer.Deserialize(headings, NamesJsonContext.Default.StringArray)!
                : [],
            RepeatedHeader = Text(9),
            Text = reader.GetString(10),
            Score = chunk.Score,
        };

        string? Text(int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);
    }
}
