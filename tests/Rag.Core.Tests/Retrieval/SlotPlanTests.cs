using CsCheck;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Core.Tests.Retrieval;

[Trait("Tier", "fast")]
public sealed class SlotPlanTests
{
    private const int BucketSize = 8;

    [Theory]
    [InlineData(5, 3, new[] { 0 })] // fits
    [InlineData(5, 4, new[] { 1 })] // does not: a bucket of its own, and nothing of the old one is written again
    [InlineData(5, 11, new[] { 0, 1 })] // its room saves a bucket
    [InlineData(5, 12, new[] { 1, 2 })] // a second one is needed anyway
    [InlineData(8, 8, new[] { 1 })]
    public void A_bucket_with_room_is_touched_where_that_saves_one(int before, int chunks, int[] touched)
    {
        var buckets = Fold(new Dictionary<int, LexicalBucket>(), Document("a", before)).Buckets;

        var (_, plan) = Fold(buckets, Document("b", chunks));

        Assert.Equal(touched, plan.Buckets().Select(bucket => bucket.Number));
    }

    /// <summary>Whatever was merged before: every chunk has a slot of its own, and no more buckets are opened than are needed.</summary>
    [Fact]
    public void Every_chunk_has_a_slot_of_its_own() =>
        Gen.Int[0, 20]
            .Array[1, 6]
            .Array[1, 6]
            .Sample(rounds =>
            {
                var buckets = new Dictionary<int, LexicalBucket>();
                var merged = new Dictionary<string, MergedDocument>(StringComparer.Ordinal);
                foreach (var counts in rounds)
                {
                    PendingDocument[] pending =
                    [
                        .. counts.Select(
                            (count, i) => Document($"{i}", count) with { Merged = merged.GetValueOrDefault($"{i}") }
                        ),
                    ];
                    (buckets, var plan) = Fold(buckets, pending);
                    foreach (var (document, after) in pending.Zip(plan.Documents))
                    {
                        merged[document.DocumentId] = after!;
                    }
                }

                var stored = buckets
                    .Values.SelectMany(bucket =>
                        bucket
                            .Runs.ToArray()
                            .SelectMany(run =>
                                Enumerable
                                    .Range(0, run.Count)
                                    .Select(i =>
                                        ((bucket.Number * BucketSize) + run.Slot + i, run.DocumentId, run.Ordinal + i)
                                    )
                            )
                    )
                    .Order()
                    .ToList();
                var expected = merged
                    .SelectMany(document => document.Value.Slots.Select((slot, chunk) => (slot, document.Key, chunk)))
                    .Order()
                    .ToList();
                Assert.Equal(expected, stored);
                Assert.Equal(expected.Count, expected.DistinctBy(chunk => chunk.slot).Count());
                Assert.Equal(Enumerable.Range(0, buckets.Count), buckets.Keys.Order());
            });

    private static (Dictionary<int, LexicalBucket> Buckets, SlotPlan Plan) Fold(
        Dictionary<int, LexicalBucket> before,
        params PendingDocument[] pending
    )
    {
        var plan = new SlotPlan(before, pending, BucketSize);
        var after = new Dictionary<int, LexicalBucket>(before);
        foreach (var bucket in plan.Buckets())
        {
            after[bucket.Number] = bucket;
        }

        return (after, plan);
    }

    private static PendingDocument Document(string id, int chunks) =>
        new(
            0,
            id,
            null,
            DocumentPostings.Build(
                new TextAnalyzer(AnalyzerOptions.English),
                [
                    .. Enumerable
                        .Range(0, chunks)
                        .Select(i => new ChunkRecord
                        {
                            Ordinal = i,
                            Start = 0,
                            End = 4,
                            Text = "pump",
                            ContentHash = "hash",
                        }),
                ]
            )
        );
}
