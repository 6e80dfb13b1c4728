using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>Embeddings are kept by content and model: paid for once, shared by every document.</summary>
public abstract class EmbeddingSuite(OpenStore open) : StoreSuite(open)
{
    [Fact]
    public async Task What_was_saved_is_found_before_anything_is_published_and_by_every_process()
    {
        await Store.Documents.SaveEmbeddingsAsync("m", [Embedding("a", 1, 0), Embedding("b", 0, 1)], Token);
        await using var other = await Store.ReopenAsync(Token);

        Assert.Equal(
            ["a", "b"],
            (await other.Documents.FindEmbeddedAsync("m", ["b", "c", "a", "a"], Token)).Order(StringComparer.Ordinal)
        );
        Assert.Empty(await Store.Documents.FindEmbeddedAsync("M", ["a", "b"], Token));
        Assert.Empty(await Store.Documents.FindEmbeddedAsync("m", [], Token));
    }

    [Fact]
    public async Task An_embedding_is_kept_once_and_the_first_stays()
    {
        await Corpus.SaveEmbeddingAsync("m", "boiler", 1, 0);
        await Corpus.SaveEmbeddingAsync("m", "boiler", 0, 1);
        await Corpus.SaveEmbeddingAsync("other", "boiler", 0, 1);
        await Store.Documents.SaveEmbeddingsAsync("m", [Embedding("x", 1, 1), Embedding("x", 2, 1)], Token);
        await Store.Documents.SaveEmbeddingsAsync("m", [], Token);

        Assert.Equal(3, await Store.CountAsync(StoredKind.Embeddings, Token));
        await Corpus.PublishAsync(Corpus.Publication("a", "boiler") with { EmbeddingModel = "m" });
        Assert.Equal(1, Assert.Single(await Corpus.NearestAsync([1, 0], model: "m")).Score, 5);
    }

    [Fact]
    public async Task Equal_chunks_share_one_embedding_and_all_are_found()
    {
        await Corpus.PublishAsync("a", "boiler", "pump");
        var paid = await Store.CountAsync(StoredKind.Embeddings, Token);

        await Corpus.PublishAsync("b", "pump", "boiler", "boiler");

        Assert.Equal((2, 2), (paid, await Store.CountAsync(StoredKind.Embeddings, Token)));
        var hits = await Corpus.NearestAsync(WordVectors.Of("boiler"), 3);
        Assert.Equal(
            new[] { (Corpus.Id("a"), 0), (Corpus.Id("b"), 1), (Corpus.Id("b"), 2) }.Order(),
            hits.Select(hit => (hit.DocumentId, hit.Ordinal)).Order()
        );
        await Corpus.DeleteAsync("a");
        Assert.Equal(2, (await Corpus.NearestAsync(WordVectors.Of("boiler"), 2)).Count(hit => hit.Score > 0.999));
    }

    [Fact]
    public async Task Thousands_are_saved_and_asked_for_at_once()
    {
        var hashes = Enumerable.Range(0, 5_000).Select(i => ChunkIdentity.Hash($"{i}")).ToArray();
        await Store.Documents.SaveEmbeddingsAsync(
            "m",
            [.. hashes.Take(2_500).Select((hash, i) => Embedding(hash, i, 1))],
            Token
        );

        var found = await Store.Documents.FindEmbeddedAsync("m", hashes, Token);

        Assert.Equal(2_500, found.Count);
        Assert.True(found.SetEquals(hashes.Take(2_500)));
    }

    /// <summary>Stores load thousands in faster ways, which must pass over what is there as well.</summary>
    [Fact]
    public async Task Of_thousands_those_that_are_there_stay_and_the_rest_is_saved()
    {
        var hashes = Enumerable.Range(0, 2_500).Select(i => ChunkIdentity.Hash($"{i}")).ToArray();
        await Corpus.SaveEmbeddingAsync("m", "boiler", 1, 0);
        (string, ReadOnlyMemory<float>)[] known = [Embedding(Corpus.Chunk(0, 0, "boiler").ContentHash, 0, 1)];

        await Store.Documents.SaveEmbeddingsAsync(
            "m",
            [.. hashes.Select((hash, i) => Embedding(hash, i, 1)), .. known, Embedding(hashes[7], 0, 7)],
            Token
        );

        Assert.Equal(2_501, await Store.CountAsync(StoredKind.Embeddings, Token));
        await Corpus.PublishAsync(Corpus.Publication("a", "boiler") with { EmbeddingModel = "m" });
        Assert.Equal(1, Assert.Single(await Corpus.NearestAsync([1, 0], model: "m")).Score, 5);
    }

    [Fact]
    public async Task What_was_cancelled_is_not_saved()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.Documents.SaveEmbeddingsAsync("m", [Embedding("a", 1)], cancelled.Token)
        );

        Assert.Equal(0, await Store.CountAsync(StoredKind.Embeddings, Token));
    }

    private static (string, ReadOnlyMemory<float>) Embedding(string hash, params float[] vector) => (hash, vector);
}
