using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>A document as the store has it.</summary>
/// <param name="Info">Its row.</param>
/// <param name="Text">What a search finds of it, put together; null for nothing.</param>
internal sealed record StoredDocument(DocumentInfo Info, string? Text);

/// <summary>What the store holds at a moment, as readers see it.</summary>
internal sealed class StoreView
{
    public static StoreView Empty { get; } = new() { Documents = new Dictionary<string, StoredDocument>(0) };

    /// <summary>By id.</summary>
    public required IReadOnlyDictionary<string, StoredDocument> Documents { get; init; }

    /// <exception cref="SimulationException">A search finds half of a document, or two versions of it, or one that is not there.</exception>
    public static async Task<StoreView> ReadAsync(StoreFixture store)
    {
        var rows = (
            await store.Documents.ListAsync(
                new DocumentQuery
                {
                    Collection = CollectionKey.Default,
                    Principal = Principal.Local,
                    Limit = 100,
                }
            )
        ).Documents;
        await using var snapshot = await store.Search.OpenSnapshotAsync(CollectionKey.Default, Principal.Local);
        var hits = await snapshot.SearchTextAsync(SimulatedSource.Word, 1000, new Bm25Options());
        var found = (await snapshot.ReadPassagesAsync(hits)).ToLookup(passage => passage.Reference.DocumentId);
        if (found.FirstOrDefault(one => rows.All(row => row.Id != one.Key)) is { } stray)
        {
            throw new SimulationException($"A search finds {stray.Key}, which is not there.");
        }

        var documents = new Dictionary<string, StoredDocument>();
        foreach (var row in rows)
        {
            var passages = found[row.Id].OrderBy(passage => passage.Ordinal).ToList();
            if (
                passages.Count != (row.Version == 0 ? 0 : row.Chunks)
                || passages
                    .Where((passage, i) => passage.Ordinal != i || passage.Reference.Version != row.Version)
                    .Any()
            )
            {
                throw new SimulationException(
                    $"{row.Name} has {row.Chunks} chunks in version {row.Version}; a search finds "
                        + string.Join(
                            ", ",
                            passages.Select(one => $"{one.Reference.Version}:{one.Ordinal} '{one.Text}'")
                        )
                );
            }

            var text = row.Version == 0 ? null : string.Concat(passages.Select(passage => passage.Text));
            documents.Add(row.Id, new StoredDocument(row, text));
        }

        return new StoreView { Documents = documents };
    }
}
