using Slipway.Rag.Ingestion;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

// The title that people see follows the name where it was made of it, and only there.
public abstract partial class IngestionSuite
{
    [Fact]
    public async Task A_title_that_was_made_of_the_name_follows_it_when_the_file_is_renamed()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("old.txt", "alpha beta gamma");
        await knowledge.RunAsync();
        Assert.Equal("old", (await knowledge.DocumentAsync("old.txt")).Title);

        foreach (var (from, to, title) in new[] { ("old.txt", "new.txt", "new"), ("new.txt", "b/newer.txt", "newer") })
        {
            await RenameAsync(knowledge, from, to);

            var document = Assert.Single(await knowledge.DocumentsAsync());
            Assert.Equal((to, title, 1), (document.Name, document.Title, document.Version));
            Assert.Equal([title], await TitlesAsync("alpha"));
        }
    }

    [Theory]
    [InlineData("Boiler")]
    [InlineData("old")] // by chance that of the name
    public async Task A_title_that_the_document_gives_itself_stays_when_the_file_is_renamed(string title)
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("old.md", $"# {title}\n\nalpha beta gamma");
        await knowledge.RunAsync();

        await RenameAsync(knowledge, "old.md", "new.md");

        var document = Assert.Single(await knowledge.DocumentsAsync());
        Assert.Equal(("new.md", title), (document.Name, document.Title));
    }

    [Fact]
    public async Task A_title_that_the_document_gives_itself_later_stays_from_then_on()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("old.md", "alpha beta gamma", daysAgo: 3);
        await knowledge.RunAsync();
        knowledge.Write("old.md", "# old\n\nalpha beta gamma", daysAgo: 2);
        await knowledge.RunAsync();

        await RenameAsync(knowledge, "old.md", "new.md");

        Assert.Equal("old", Assert.Single(await knowledge.DocumentsAsync()).Title);
    }

    [Fact]
    public async Task A_source_that_names_documents_apart_from_their_place_renames_their_titles_too()
    {
        using var knowledge = new Knowledge(Store, Time);
        var document = new PushedDocument("old.txt") { ExternalId = "1" };
        await PushAsync(document);
        Assert.Equal("old", Assert.Single(await knowledge.DocumentsAsync()).Title);

        await PushAsync(document with { Name = "new.txt" });
        Assert.Equal("new", Assert.Single(await knowledge.DocumentsAsync()).Title);

        await PushAsync(document with { Name = "new.txt", Title = " Given " });
        Assert.Equal("Given", Assert.Single(await knowledge.DocumentsAsync()).Title);
        Assert.Equal(1, Assert.Single(await knowledge.DocumentsAsync()).Version);

        async Task PushAsync(PushedDocument pushed)
        {
            Time.Advance(TimeSpan.FromMinutes(1));
            using var content = new MemoryStream("alpha"u8.ToArray());
            await knowledge.Inbox.AddAsync(content, pushed, null, Token);
            await knowledge.Inbox.ProcessAsync(Token);
        }
    }

    private static async Task RenameAsync(Knowledge knowledge, string from, string to)
    {
        var path = Path.Combine(knowledge.Folder, to);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Move(Path.Combine(knowledge.Folder, from), path);
        Assert.Equal(1, (await knowledge.RunAsync()).Moved);
    }

    private async Task<IReadOnlyList<string>> TitlesAsync(string query)
    {
        await using var snapshot = await Store.Search.OpenSnapshotAsync(CollectionKey.Default, Principal.Local, Token);
        var hits = await snapshot.SearchTextAsync(query, 20, new Bm25Options(), Token);
        return [.. (await snapshot.ReadPassagesAsync(hits, Token)).Select(passage => passage.Title)];
    }
}
