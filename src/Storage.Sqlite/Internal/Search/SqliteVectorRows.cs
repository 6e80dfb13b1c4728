using System.Runtime.InteropServices;
using Slipway.Rag.Storage;
using SQLitePCL;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>Reads the stored vectors of one index and model.</summary>
internal sealed class SqliteVectorRows(long indexId, CollectionKey collection, string model)
{
    private int _dimensions;

    /// <summary>The same, with no dimension yet.</summary>
    public SqliteVectorRows Anew() => new(indexId, collection, model);

    public VectorBlock.Builder NewBlock() => new(_dimensions);

    /// <exception cref="SlipwayException">The query's vector is not of the stored ones' dimension.</exception>
    public void RequireDimensions(int dimensions)
    {
        if (dimensions != _dimensions)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"The model '{model}' gave a vector of {dimensions} dimensions; the collection '{collection.Collection}' holds vectors of {_dimensions} under that name.",
                "Give the model the dimension that the collection was embedded with, or embed the collection anew under another model name."
            );
        }
    }

    public IReadOnlyList<string> ReadDocumentIds(SqliteSession session)
    {
        var ids = new List<string>();
        using var reader = session.Query(
            "select id from documents where tenant = $1 and collection = $2",
            collection.Tenant,
            collection.Collection
        );
        while (reader.Read())
        {
            ids.Add(reader.GetString(0));
        }

        ids.Sort(StringComparer.Ordinal);
        return ids;
    }

    /// <summary>What changed after a revision; null when the log does not reach back so far.</summary>
    public List<(long Revision, string DocumentId)>? ReadChanges(SqliteSession session, long after)
    {
        var changes = new List<(long Revision, string DocumentId)>();
        using var reader = session.Query(
            "select revision, document_id from index_changes where index_id = $1 and revision > $2 order by revision",
            indexId,
            after
        );
        while (reader.Read())
        {
            changes.Add((reader.GetInt64(0), reader.GetString(1)));
        }

        // Every revision has a row: a first one that is not the next means that older rows were cut off.
        return changes.Count > 0 && changes[0].Revision == after + 1 ? changes : null;
    }

    /// <summary>Adds a document's vectors to a block.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="documentId">The document; it may be gone.</param>
    /// <param name="block">The block to add to; null as long as there was no vector.</param>
    public VectorBlock.Builder? ReadDocument(SqliteSession session, string documentId, VectorBlock.Builder? block)
    {
        using var reader = session.Query(
            """
            select chunk.ordinal, embedding.vector
            from chunks chunk
            join embeddings embedding on embedding.content_hash = chunk.content_hash and embedding.model = $2
            where chunk.document_id = $1
            order by chunk.ordinal
            """,
            documentId,
            model
        );
        while (reader.Read())
        {
            var vector = MemoryMarshal.Cast<byte, float>(raw.sqlite3_column_blob(reader.Handle!, 1));
            _dimensions = _dimensions == 0 ? vector.Length : _dimensions;
            RequireStored(vector.Length);
            block ??= NewBlock();
            block.Add(reader.GetInt32(0), vector);
        }

        block?.EndDocument(documentId);
        return block;
    }

    public byte[]? ReadVector(SqliteSession session, string documentId, int ordinal) =>
        (byte[]?)
            session.Scalar(
                """
                select embedding.vector
                from chunks chunk
                join embeddings embedding on embedding.content_hash = chunk.content_hash and embedding.model = $3
                where chunk.document_id = $1 and chunk.ordinal = $2
                """,
                documentId,
                ordinal,
                model
            );

    private void RequireStored(int dimensions)
    {
        if (dimensions != _dimensions)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"The collection '{collection.Collection}' holds vectors of {_dimensions} and of {dimensions} dimensions from the model '{model}'.",
                "Set the model's dimension, which makes it a model of its own, and embed the collection anew."
            );
        }
    }
}
