using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Core.Tests.Retrieval;

[Trait("Tier", "fast")]
public sealed class FusionTests
{
    private static readonly ScoredChunk[] Lexical = [new("a", 0, 12), new("b", 0, 9), new("c", 0, 2)];
    private static readonly ScoredChunk[] Vectors = [new("b", 0, 0.9), new("d", 0, 0.8), new("a", 0, 0.1)];

    [Fact]
    public void Convex_sums_each_legs_scores_between_its_lowest_and_highest()
    {
        var fused = Fusion.Fuse(Lexical, Vectors, new RetrievalOptions { VectorWeight = 0.5 });

        Assert.Equal(["b", "a", "d", "c"], fused.Select(chunk => chunk.Chunk.DocumentId));
        Assert.Equal(0.5 * ((9 - 2) / 10.0) + 0.5, fused[0].Chunk.Score, 12);
        Assert.Equal((9.0, 0.9), (fused[0].Lexical, fused[0].Vector));
        Assert.Equal((null, 0.8), (fused[2].Lexical, fused[2].Vector));
    }

    [Theory]
    [InlineData(0.0, "a")]
    [InlineData(1.0, "b")]
    public void The_weight_moves_between_the_legs(double weight, string best) =>
        Assert.Equal(
            best,
            Fusion.Fuse(Lexical, Vectors, new RetrievalOptions { VectorWeight = weight })[0].Chunk.DocumentId
        );

    [Fact]
    public void Reciprocal_rank_looks_at_ranks_alone()
    {
        var fused = Fusion.Fuse(Lexical, Vectors, new RetrievalOptions { Fusion = FusionMethod.ReciprocalRank });

        Assert.Equal(["b", "a", "d", "c"], fused.Select(chunk => chunk.Chunk.DocumentId));
        Assert.Equal(0.5 * ((1 / 61.0) + (1 / 62.0)), fused[0].Chunk.Score, 12);
    }

    [Theory]
    [InlineData(FusionMethod.Convex)]
    [InlineData(FusionMethod.ReciprocalRank)]
    public void A_leg_alone_keeps_its_order_and_the_whole_score(FusionMethod method)
    {
        var options = new RetrievalOptions { Fusion = method };

        Assert.Equal(["a", "b", "c"], Fusion.Fuse(Lexical, [], options).Select(chunk => chunk.Chunk.DocumentId));
        Assert.Equal(["b", "d", "a"], Fusion.Fuse([], Vectors, options).Select(chunk => chunk.Chunk.DocumentId));
        Assert.Empty(Fusion.Fuse([], [], options));
        Assert.Equal(method == FusionMethod.Convex ? 1 : 1 / 61.0, Fusion.Fuse(Lexical, [], options)[0].Chunk.Score);
    }

    [Fact]
    public void Equal_scores_are_ordered_by_document_then_chunk()
    {
        var fused = Fusion.Fuse([new("b", 1, 5), new("b", 0, 5), new("a", 3, 5)], [], new RetrievalOptions());

        Assert.Equal(
            [("a", 3), ("b", 0), ("b", 1)],
            fused.Select(chunk => (chunk.Chunk.DocumentId, chunk.Chunk.Ordinal))
        );
    }
}
