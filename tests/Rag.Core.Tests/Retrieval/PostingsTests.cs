using System.Buffers;
using CsCheck;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Core.Tests.Retrieval;

[Trait("Tier", "fast")]
public sealed class PostingsTests
{
    private const int Slots = 5000;

    private static readonly Gen<Posting[]> Lists = Gen.Select(Gen.Int[0, Slots - 1], Gen.Int[1, 300])
        .Array[0, 60]
        .Select(pairs =>
            pairs
                .DistinctBy(pair => pair.Item1)
                .OrderBy(pair => pair.Item1)
                .Select(pair => new Posting(pair.Item1, pair.Item2))
                .ToArray()
        );

    [Fact]
    public void A_list_comes_back_as_it_was_written() => Lists.Sample(list => Assert.Equal(list, Read(Pack(list))));

    [Fact]
    public void A_slot_twice_is_refused() =>
        Assert.Throws<ArgumentException>(() => Pack([new Posting(3, 1), new Posting(3, 1)]));

    [Fact]
    public void Damaged_bytes_give_valid_postings_or_an_error_and_always_end() =>
        Gen
            .Byte.Array[0, 200]
            .Sample(data =>
            {
                try
                {
                    var list = Read(data);
                    return list.TrueForAll(posting => posting.Slot is >= 0 and < Slots && posting.Frequency >= 1);
                }
                catch (InvalidDataException)
                {
                    return true;
                }
            });

    [Fact]
    public void A_cut_or_changed_document_is_an_error_or_a_document_never_anything_else() =>
        Gen.Select(Gen.Int[0, 400], Gen.Byte, Gen.Int[0, 400])
            .Sample(
                (place, value, length) =>
                {
                    var data = Document("the pump and the valve", "a valve leaks").Data.ToArray();
                    data[place % data.Length] = value;
                    data = data[..Math.Min(data.Length, length)];
                    try
                    {
                        var document = DocumentPostings.Parse(data);
                        for (var i = 0; i < document.TermCount; i++)
                        {
                            var postings = document.PostingsAt(i, out var count);
                            for (; count > 0; count--)
                            {
                                Assert.InRange(postings.Next().Slot, 0, document.ChunkCount - 1);
                            }
                        }
                    }
                    catch (InvalidDataException)
                    {
                        // said so
                    }
                }
            );

    [Fact]
    public void A_document_knows_its_lengths_terms_and_frequencies()
    {
        var document = DocumentPostings.Parse(Document("pump pump valve", "valve", "").Data);

        Assert.Equal((3, 2, 4L), (document.ChunkCount, document.TermCount, document.TotalLength));
        Assert.Equal([3, 1, 0], Enumerable.Range(0, 3).Select(document.Length));
        var pump = document.PostingsAt(document.Find(TermHash.Of("pump")), out var count);
        Assert.Equal((1, new Posting(0, 2)), (count, pump.Next()));
        document.PostingsAt(document.Find(TermHash.Of("valv")), out count);
        Assert.Equal(2, count);
        Assert.True(document.Find(TermHash.Of("boiler")) < 0);
    }

    [Fact]
    public void Headings_and_repeated_headers_are_indexed_as_in_the_embedding_input()
    {
        var chunk = Chunk(0, "body text") with
        {
            Headings = ["Outer part", "Inner"],
            RepeatedHeader = "| Name | Price |",
        };
        var analyzer = new TextAnalyzer(AnalyzerOptions.English);
        var terms = new TermHashes([]);
        analyzer.Analyze(ChunkIdentity.Input(chunk.Headings, chunk.RepeatedHeader, chunk.Text), ref terms);

        var document = DocumentPostings.Build(analyzer, [chunk]);

        Assert.Equal(terms.List.Count, document.Length(0));
        Assert.All(terms.List, term => Assert.True(document.Find(term) >= 0));
    }

    [Fact]
    public void Edits_are_what_taking_out_and_putting_in_would_give() =>
        Gen.Select(Lists, Lists)
            .Sample(
                (before, edits) =>
                {
                    // Frequencies divisible by three stand for removals.
                    edits =
                    [
                        .. edits.Select(edit => edit with { Frequency = edit.Frequency % 3 == 0 ? 0 : edit.Frequency }),
                    ];
                    var model = before.ToDictionary(posting => posting.Slot);
                    foreach (var edit in edits)
                    {
                        model[edit.Slot] = edit;
                    }

                    var output = new ArrayBufferWriter<byte>();
                    var count = PostingEdits.Apply(Pack(before), Slots, edits, output);

                    var expected = model
                        .Values.Where(posting => posting.Frequency > 0)
                        .OrderBy(posting => posting.Slot)
                        .ToList();
                    Assert.Equal(expected.Count, count);
                    Assert.Equal(expected, Read(output.WrittenSpan.ToArray()));
                }
            );

    [Fact]
    public void What_stays_in_its_slot_is_no_edit()
    {
        var before = new MergedDocument([3, 4], Document("pump valve", "boiler"));
        var pending = new PendingDocument(1, "a", before, Document("pump valve", "grinder"));
        var edits = Assert.Single(PostingEdits.InParts([pending], [new MergedDocument([3, 4], pending.Current!)]));

        Assert.Empty(Read("pump"));
        Assert.Equal([new Posting(4, 0)], Read("boiler"));
        Assert.Equal([new Posting(4, 1)], Read("grinder"));

        List<Posting> Read(string word)
        {
            var list = new List<Posting>();
            edits.Read(TermHash.Of(word), list);
            return list;
        }
    }

    [Fact]
    public void Parts_hold_every_change_once_in_the_order_of_the_key() =>
        Gen.Select(Gen.Int[1, 40].Array[1, 6], Gen.Int[1, 30])
            .Sample(
                (words, termsOfAPart) =>
                {
                    var pending = words.Select(
                        (count, i) =>
                            new PendingDocument(
                                i,
                                $"{i}",
                                i % 2 == 0 ? null : new MergedDocument([i], Document("before both " + i)),
                                i % 3 == 2
                                    ? null
                                    : Document(
                                        string.Join(' ', Enumerable.Range(i, count).Select(word => $"word{word}"))
                                    )
                            )
                    );
                    var all = pending.ToArray();
                    var after = Array.ConvertAll(
                        all,
                        document =>
                            document.Current is null ? null : new MergedDocument([(int)document.Id], document.Current)
                    );

                    var whole = Changes(Assert.Single(PostingEdits.InParts(all, after, int.MaxValue)));
                    var parts = PostingEdits.InParts(all, after, termsOfAPart).SelectMany(Changes).ToList();

                    Assert.Equal(whole, parts);
                    Assert.Equal(whole.Select(change => change.Term).Order(), whole.Select(change => change.Term));
                }
            );

    private static List<(long Term, string Edits)> Changes(PostingEdits edits)
    {
        var changes = new List<(long, string)>();
        var list = new List<Posting>();
        foreach (var term in edits.Terms())
        {
            edits.Read(term, list);
            changes.Add((unchecked((long)term), string.Join(' ', list)));
        }

        return changes;
    }

    [Fact]
    public void Slots_come_back_as_they_were_written() =>
        Gen.Int[0, 1 << 28]
            .Array[0, 30]
            .Sample(slots =>
            {
                var postings = Document(Enumerable.Repeat("pump", slots.Length).ToArray());
                var merged = MergedDocument.Parse(new MergedDocument(slots, postings).PackSlots(), postings);
                Assert.Equal(slots, merged.Slots);
            });

    [Fact]
    public void A_bucket_comes_back_as_it_was_written()
    {
        var bucket = new LexicalBucket(
            2,
            7,
            [5, LexicalBucket.Free, 9, 0, 3],
            [new SlotRun(0, 1, "ä", 4), new SlotRun(2, 2, "b", 0), new SlotRun(4, 1, "ä", 6)]
        );

        var read = LexicalBucket.Parse(2, 7, bucket.PackLengths(), bucket.PackRuns());

        Assert.Equal(bucket.Lengths, read.Lengths);
        Assert.Equal(bucket.Runs.ToArray(), read.Runs.ToArray());
        Assert.Equal((4, 17L), (read.Count, read.TotalLength));
        Assert.Equal(("b", 1), read.Chunk(3));
        Assert.Throws<InvalidDataException>(() => read.Chunk(1));
        Assert.Throws<InvalidDataException>(() => LexicalBucket.Parse(2, 7, [], bucket.PackRuns()));
    }

    private static DocumentPostings Document(params string[] texts) =>
        DocumentPostings.Build(
            new TextAnalyzer(AnalyzerOptions.English),
            [.. texts.Select((text, i) => Chunk(i, text))]
        );

    private static ChunkRecord Chunk(int ordinal, string text) =>
        new()
        {
            Ordinal = ordinal,
            Start = 0,
            End = text.Length,
            Text = text,
            ContentHash = "",
        };

    private static byte[] Pack(Posting[] list)
    {
        var output = new ArrayBufferWriter<byte>();
        Postings.Write(output, list);
        return output.WrittenSpan.ToArray();
    }

    private static List<Posting> Read(byte[] data)
    {
        var list = new List<Posting>();
        var reader = Postings.Read(data, Slots);
        while (!reader.AtEnd)
        {
            list.Add(reader.Next());
        }

        return list;
    }
}
