namespace Slipway.Rag.Testing;

/// <summary><see cref="IPassageReader"/>: the text of a range, or null.</summary>
public abstract class PassageReaderSuite(OpenStore open) : StoreSuite(open)
{
    private static readonly Principal Stranger = new("elsewhere", "anna");

    [Fact]
    public async Task A_stored_text_is_read_by_whoever_may_see_it_and_only_in_its_version()
    {
        var id = await Corpus.PublishForAsync(["user:anna"], "annas", "boiler");
        var range = new PassageReference(id, 1, 2, 5);

        Assert.Equal("ile", await ReadAsync(range));
        Assert.Null(await ReadAsync(range, Corpus.Bert));
        Assert.Null(await ReadAsync(range, Stranger));
        Assert.Null(await ReadAsync(range with { Version = 2 }));
        Assert.Null(await ReadAsync(range with { Version = 0 }));
        Assert.Null(await ReadAsync(range with { End = 7 }));
        Assert.Null(await ReadAsync(range with { Start = 7, End = 9 }));
        Assert.Null(await ReadAsync(range with { Start = 7, End = 7 }));
        Assert.Equal("", await ReadAsync(range with { Start = 6, End = 6 }));
        Assert.Null(await ReadAsync(range with { Start = -1 }));
        Assert.Null(await ReadAsync(range with { Start = 5, End = 2 }));
        Assert.Null(await ReadAsync(range with { Start = 0, End = int.MaxValue }));
        Assert.Null(await ReadAsync(range with { DocumentId = "nobody" }));
    }

    [Fact]
    public async Task A_version_that_is_gone_is_null()
    {
        var id = await Corpus.PublishAsync("a", "first");
        await Corpus.PublishAsync("a", "second");

        Assert.Null(await ReadAsync(new PassageReference(id, 1, 0, 5)));
        Assert.Equal("secon", await ReadAsync(new PassageReference(id, 2, 0, 5)));
        await Corpus.DeleteAsync("a");
        Assert.Null(await ReadAsync(new PassageReference(id, 2, 0, 5)));
    }

    [Fact]
    public async Task A_document_that_was_never_read_has_no_text()
    {
        await Store.Documents.RecordFailureAsync(Corpus.Failure("a"), Token);

        Assert.Null(await ReadAsync(new PassageReference(Corpus.Id("a"), 0, 0, 0)));
        Assert.Null(await ReadAsync(new PassageReference(Corpus.Id("a"), 1, 0, 1)));
    }

    [Fact]
    public async Task Every_range_of_a_text_that_lies_in_many_chunks_is_read()
    {
        const string Text = "alpha beta 😀 gamma\r\ndelta";
        var cuts = new[] { 0, 1, 6, 12, 13, 20, Text.Length };
        var id = await Corpus.PublishAsync("tiled", [.. cuts.Zip(cuts.Skip(1), (start, end) => Text[start..end])]);
        var overlapping = await Corpus.PublishAsync(
            Corpus.Publication("overlapping") with
            {
                Chunks =
                [
                    Corpus.Chunk(0, 0, Text[..10]),
                    Corpus.Chunk(1, 4, Text[4..15]),
                    Corpus.Chunk(2, 9, Text[9..]),
                ],
            }
        );

        for (var start = 0; start < Text.Length; start++)
        {
            for (var end = start + 1; end <= Text.Length; end++)
            {
                // A cut through a pair is the writer's fault: it was stored as two lone surrogates.
                var expected = string.Concat(
                    cuts.Zip(cuts.Skip(1), (from, to) => Rag.Storage.StorableText.Of(Text[from..to]))
                )[start..end];
                Assert.Equal(expected, await ReadAsync(new PassageReference(id, 1, start, end)));
                Assert.Equal(Text[start..end], await ReadAsync(new PassageReference(overlapping, 1, start, end)));
            }
        }
    }

    private async Task<string?> ReadAsync(PassageReference passage, Principal? principal = null) =>
        await Store.Passages.ReadAsync(passage, principal ?? Corpus.Anna, Token);
}
