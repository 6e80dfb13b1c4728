using System.Text;
using Microsoft.Extensions.Time.Testing;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IDocumentSource"/>: what a source lists, opens and notices.</summary>
/// <param name="open">Opens the source under test.</param>
public abstract partial class SourceSuite(OpenSource open) : IAsyncLifetime
{
    /// <summary>What formats keep of a time: ZIP and FAT count in steps of two seconds.</summary>
    private static readonly TimeSpan Grain = TimeSpan.FromSeconds(2);

    private SourceFixture? _place;

    /// <summary>The place under test.</summary>
    protected SourceFixture Place => _place ?? throw new InvalidOperationException("The test has not begun.");

    /// <summary>The place's clock. It stands still until the test moves it.</summary>
    protected FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 6, 1, 8, 0, 0, TimeSpan.Zero));

    /// <summary>How many documents stand for very many. Fewer where writing one is slow.</summary>
    protected virtual int Many => 2_000;

    /// <summary>The test's token.</summary>
    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private IDocumentSource Source => Place.Source;

    /// <summary>Makes the place.</summary>
    public async ValueTask InitializeAsync() => _place = await open(Time, Token);

    /// <summary>Removes it.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_place is not null)
        {
            await _place.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_empty_source_lists_nothing() => Assert.Empty(await ListAsync());

    [Fact]
    public async Task A_source_has_one_name_in_every_process()
    {
        Assert.False(string.IsNullOrWhiteSpace(Source.Name));
        Assert.Equal(Source.Name, (await Place.ReopenAsync(Token)).Name);
    }

    [Fact]
    public async Task Every_document_is_listed_once_under_its_name()
    {
        await WriteAsync("b.md", "b");
        await WriteAsync("a/c.md", "c");
        await WriteAsync("a/b/d.md", "d");

        var documents = await ListAsync();

        Assert.Equal(["a/b/d.md", "a/c.md", "b.md"], documents.Select(document => document.Name));
        Assert.Equal(3, documents.Select(document => document.ExternalId).Distinct(StringComparer.Ordinal).Count());
        Assert.All(documents, document => Assert.False(string.IsNullOrWhiteSpace(document.ExternalId)));
    }

    [Fact]
    public async Task A_listing_changes_nothing_and_is_the_same_in_every_process()
    {
        await WriteAsync("a.md", "a");
        await WriteAsync("b/c.md", "bc");

        var first = await ListAsync();

        Assert.Equal(first.Select(Facts), (await ListAsync()).Select(Facts));
        Assert.Equal(first.Select(Facts), (await ListAsync(await Place.ReopenAsync(Token))).Select(Facts));
        Assert.Equal(["a", "bc"], await Task.WhenAll(first.Select(document => ReadAsync(document))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task What_was_listed_opens_again_and_again_and_gives_exactly_its_bytes(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        await Place.WriteAsync("a.bin", content, Token);
        var document = Assert.Single(await ListAsync());

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(content, await ReadBytesAsync(Source, document));
        }

        Assert.Equal(content, await ReadBytesAsync(await Place.ReopenAsync(Token), document));
    }

    [Fact]
    public async Task Many_may_open_at_the_same_time()
    {
        for (var i = 0; i < 4; i++)
        {
            await WriteAsync($"{i}.md", string.Concat(Enumerable.Repeat($"{i} ", 10_000 + i)));
        }

        var documents = await ListAsync();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 64),
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Token },
            async (i, _) =>
                Assert.Equal(
                    string.Concat(Enumerable.Repeat($"{i % 4} ", 10_000 + (i % 4))),
                    await ReadAsync(documents[i % 4])
                )
        );
    }

    [Fact]
    public async Task Streams_that_are_open_together_do_not_disturb_each_other()
    {
        await WriteAsync("a.md", "first");
        await WriteAsync("b.md", "second");
        var documents = await ListAsync();

        await using var a = await Source.OpenAsync(documents[0], Token);
        await using var b = await Source.OpenAsync(documents[1], Token);
        await using var again = await Source.OpenAsync(documents[0], Token);

        Assert.Equal("second", await TextAsync(b));
        Assert.Equal("first", await TextAsync(again));
        Assert.Equal("first", await TextAsync(a));
    }

    [Fact]
    public async Task Size_and_time_are_right_or_unknown()
    {
        await WriteAsync("a.md", "hello");

        var document = Assert.Single(await ListAsync());

        Assert.Contains(document.Size, new long?[] { 5, null });
        AssertIsNow(document.ModifiedAt);
    }

    [Theory]
    [InlineData("hello again")]
    [InlineData("HELLO")]
    public async Task A_change_is_seen_by_the_next_listing(string content)
    {
        await WriteAsync("a.md", "hello");
        var before = Assert.Single(await ListAsync());
        Time.Advance(TimeSpan.FromMinutes(1));
        await WriteAsync("a.md", content);

        var after = Assert.Single(await ListAsync());

        Assert.Equal((before.ExternalId, before.Name), (after.ExternalId, after.Name));
        Assert.Equal(content, await ReadAsync(after));
        Assert.Contains(after.Size, new long?[] { content.Length, null });
        AssertIsNow(after.ModifiedAt);
        Assert.True(
            after.ModifiedAt is null || (before.Size, before.ModifiedAt) != (after.Size, after.ModifiedAt),
            "Neither size nor time tells that it changed: give a time that moves, or none."
        );
    }

    [Fact]
    public async Task What_was_saved_again_is_the_same_document()
    {
        await WriteAsync("a.md", "hello");
        var before = Assert.Single(await ListAsync());
        Time.Advance(TimeSpan.FromMinutes(1));
        await WriteAsync("a.md", "hello");

        var after = Assert.Single(await ListAsync());

        Assert.Equal((before.ExternalId, before.Size), (after.ExternalId, after.Size));
        Assert.Equal("hello", await ReadAsync(after));
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("")]
    public async Task What_was_removed_is_not_listed_and_opening_it_says_so(string content)
    {
        await WriteAsync("a.md", content);
        await WriteAsync("b.md", "stays");
        var removed = (await ListAsync())[0];
        await Place.DeleteAsync("a.md", Token);

        Assert.Equal("b.md", Assert.Single(await ListAsync()).Name);
        foreach (var source in new[] { Source, await Place.ReopenAsync(Token) })
        {
            var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
                await (await source.OpenAsync(removed, Token)).DisposeAsync()
            );
            Assert.Contains("a.md", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_was_removed_may_come_back()
    {
        await WriteAsync("a.md", "old");
        await ListAsync();
        await Place.DeleteAsync("a.md", Token);
        await ListAsync();
        await WriteAsync("a.md", "new");

        Assert.Equal("new", await ReadAsync(Assert.Single(await ListAsync())));
    }

    [Fact]
    public async Task What_was_renamed_is_listed_once_under_its_new_name()
    {
        await WriteAsync("a.md", "hello");
        await WriteAsync("b.md", "other");
        await ListAsync();
        Assert.SkipUnless(await Place.RenameAsync("a.md", "new/c.md", Token), "Nothing is renamed here.");

        var documents = await ListAsync();

        Assert.Equal(["b.md", "new/c.md"], documents.Select(document => document.Name));
        Assert.Equal("hello", await ReadAsync(documents[1]));
    }

    [Fact]
    public async Task A_part_that_cannot_be_listed_is_a_gap_over_its_documents_and_the_rest_is_listed()
    {
        await WriteAsync("a.md", "a");
        await WriteAsync("locked/b.md", "b");
        await WriteAsync("locked/deep/c.md", "c");
        await WriteAsync("locked-not/d.md", "d");
        var known = await ListAsync();
        Assert.SkipUnless(await Place.LockAsync("locked", Token), "Nothing can be made unreadable here.");

        var items = await Source.ListAsync(Token).ToListAsync(Token);

        var listed = items.OfType<SourceDocument>().ToDictionary(document => document.ExternalId);
        var gaps = items.OfType<SourceGap>().ToList();
        Assert.NotEmpty(gaps);
        Assert.All(gaps, gap => Assert.False(string.IsNullOrWhiteSpace(gap.Reason)));
        Assert.All(
            known,
            document =>
                Assert.Equal(
                    document.Name.StartsWith("locked/", StringComparison.Ordinal),
                    !listed.ContainsKey(document.ExternalId) && gaps.Any(gap => Covers(gap, document))
                )
        );
        Assert.DoesNotContain(listed.Values, document => gaps.Any(gap => Covers(gap, document)));
    }

    [Theory]
    [InlineData("with some spaces.md")]
    [InlineData("sharp #1 and 100%25 or 100 %.md")]
    [InlineData("it's & more + (1) [2] {3}; a=b, $c @d !.md")]
    [InlineData("größe/日本語/Ωμέγα 🚀.md")]
    [InlineData("file-without-extension")]
    [InlineData("a.tar.gz.md")]
    [InlineData("UPPER/lower.MD")]
    public async Task Names_of_any_kind_are_kept(string name)
    {
        await WriteAsync(name, name);
        await WriteAsync("other.md", "other");

        var document = Assert.Single(await ListAsync(), document => document.Name == name);

        Assert.Equal(name, await ReadAsync(document));
        Assert.Equal(
            Facts(document),
            Facts((await ListAsync(await Place.ReopenAsync(Token))).Single(again => again.Name == name))
        );
        Assert.True(document.Uri is null || Uri.TryCreate(document.Uri, UriKind.Absolute, out _), document.Uri);
        await Place.DeleteAsync(name, Token);
        Assert.Equal("other.md", Assert.Single(await ListAsync()).Name);
    }

    [Fact]
    public async Task Very_long_names_are_kept()
    {
        var folder = string.Join('/', Enumerable.Repeat(new string('d', 100), 6));
        var name = $"{folder}/{new string('f', 200)}.md";
        await WriteAsync(name, "hello");

        var document = Assert.Single(await ListAsync());

        Assert.Equal(name, document.Name);
        Assert.Equal("hello", await ReadAsync(document));
    }

    [Fact]
    public async Task Names_that_differ_in_little_are_different_documents()
    {
        string[] names = ["a b.md", "a%20b.md", "a+b.md", "a-b.md", "a/b.md", "ab.md"];
        foreach (var name in names)
        {
            await WriteAsync(name, name);
        }

        var documents = await ListAsync();

        Assert.Equal(names, documents.Select(document => document.Name));
        Assert.Equal(names, await Task.WhenAll(documents.Select(document => ReadAsync(document))));
        Assert.Equal(names.Length, documents.Select(document => document.ExternalId).Distinct().Count());
    }

    private static (string, string, string?, long?, DateTimeOffset?) Facts(SourceDocument document) =>
        (document.ExternalId, document.Name, document.Uri, document.Size, document.ModifiedAt);

    private static bool Covers(SourceGap gap, SourceDocument document) =>
        document.ExternalId.StartsWith(gap.Prefix, StringComparison.Ordinal);

    private void AssertIsNow(DateTimeOffset? modifiedAt)
    {
        Assert.Equal(TimeSpan.Zero, (modifiedAt ?? Time.GetUtcNow()).Offset);
        Assert.InRange(modifiedAt ?? Time.GetUtcNow(), Time.GetUtcNow() - Grain, Time.GetUtcNow() + Grain);
    }

    private ValueTask WriteAsync(string name, string content) =>
        Place.WriteAsync(name, Encoding.UTF8.GetBytes(content), Token);

    /// <summary>Everything that is listed, by name; a gap is a failure.</summary>
    private async Task<List<SourceDocument>> ListAsync(IDocumentSource? source = null)
    {
        var items = await (source ?? Source).ListAsync(Token).ToListAsync(Token);
        return
        [
            .. items
                .Select(item => Assert.IsType<SourceDocument>(item))
                .OrderBy(document => document.Name, StringComparer.Ordinal),
        ];
    }

    private async Task<string> ReadAsync(SourceDocument document) =>
        Encoding.UTF8.GetString(await ReadBytesAsync(Source, document));

    private static async Task<byte[]> ReadBytesAsync(IDocumentSource source, SourceDocument document)
    {
        await using var stream = await source.OpenAsync(document, Token);
        return await BytesAsync(stream);
    }

    private static async Task<string> TextAsync(Stream stream) => Encoding.UTF8.GetString(await BytesAsync(stream));

    private static async Task<byte[]> BytesAsync(Stream stream)
    {
        using var content = new MemoryStream();
        await stream.CopyToAsync(content, Token);
        return content.ToArray();
    }
}
