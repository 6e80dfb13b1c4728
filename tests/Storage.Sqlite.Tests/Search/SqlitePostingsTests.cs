using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite.Tests.Search;

[Trait("Tier", "fast")]
public sealed class SqlitePostingsTests : IDisposable
{
    private readonly SearchFile _file = new();
    private readonly SqliteSearchIndex _index;

    public SqlitePostingsTests() => _index = new SqliteSearchIndex(_file.Database);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_documents_fill_many_buckets_and_their_slots_are_used_again()
    {
        // 6,000 chunks: two buckets.
        await _file.Database.WriteAsync(
            session =>
            {
                for (var i = 0; i < 1200; i++)
                {
                    SearchFile.Publish(session, CollectionKey.Default, $"d{i:D4}", [], Chunks(i));
                }
            },
            Token
        );
        Assert.Equal(1200, await _index.MergeAsync(CollectionKey.Default, Token));
        Assert.Equal(0, await _index.MergeAsync(CollectionKey.Default, Token));
        Assert.Equal(2L, await CountAsync("lexical_buckets"));
        Assert.Equal(0L, await CountAsync("lexical_deltas"));

        for (var i = 0; i < 10; i++)
        {
            await _file.DeleteAsync($"d{i:D4}");
        }

        await _file.PublishAsync("new", Word(1199), Word(5));
        await _index.MergeAsync(CollectionKey.Default, Token);

        Assert.Equal(2L, await CountAsync("lexical_buckets"));
        Assert.Equal(["d1199", "new"], await FindAsync(Word(1199)));
        Assert.Equal(["new"], await FindAsync(Word(5)));

        static ChunkRecord[] Chunks(int i) =>
            [.. Enumerable.Range(0, 5).Select(ordinal => SearchFile.Chunk(ordinal, $"{Word(i)} chunk{ordinal} water"))];
    }

    [Fact]
    public async Task A_merge_writes_nothing_where_nothing_changed()
    {
        await _file.PublishAsync("a", "pump valve", "boiler");
        await _index.MergeAsync(CollectionKey.Default, Token);
        var before = await PostingRowsAsync();

        await _file.PublishAsync("a", "pump valve", "grinder");
        await _index.MergeAsync(CollectionKey.Default, Token);

        var after = await PostingRowsAsync();
        Assert.Equal(before.Count, after.Count);
        Assert.Equal(2, before.Intersect(after).Count());
    }

    [Fact]
    public async Task Damaged_index_data_are_an_error_that_names_the_file()
    {
        await _file.PublishAsync("a", "boiler");
        await _index.MergeAsync(CollectionKey.Default, Token);
        await _file.Database.WriteAsync(
            session => session.Execute("update lexical_postings set data = x'ffffff'"),
            Token
        );

        var exception = await Assert.ThrowsAsync<SlipwayException>(() => SearchFile.SearchAsync(_index, "boiler"));

        Assert.Equal(ErrorClass.Configuration, exception.Class);
        Assert.Contains(_file.Database.Path, exception.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _file.Dispose();

    // Letters: a number would be found by its parts as well.
    private static string Word(int i) => string.Concat($"{i:D4}".Select(digit => "bcdfghjklm"[digit - '0']));

    private async Task<IReadOnlyList<string>> FindAsync(string query) =>
        [.. (await SearchFile.SearchAsync(_index, query)).Select(hit => hit.DocumentId).Distinct().Order()];

    private ValueTask<long> CountAsync(string table) =>
        _file.Database.ReadAsync(session => (long)session.Scalar("select count(*) from " + table)!, Token);

    private ValueTask<List<string>> PostingRowsAsync() =>
        _file.Database.ReadAsync(
            session =>
            {
                var rows = new List<string>();
                using var reader = session.Query(
                    "select term || ' ' || bucket || ' ' || hex(data) from lexical_postings"
                );
                while (reader.Read())
                {
                    rows.Add(reader.GetString(0));
                }

                return rows;
            },
            Token
        );
}
