using Slipway.Rag.Sources;

namespace Slipway.Rag.Core.Tests.Sources;

[Trait("Tier", "fast")]
public sealed class LocalFolderSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Parity", "S71")]
    public async Task Lists_files_of_all_subfolders_with_relative_ids_size_and_time()
    {
        _folder.Write("b.md", "two");
        var path = _folder.Write("sub/deeper/a.txt", "hello");
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc));

        var documents = await Documents();

        Assert.Equal(["b.md", "sub/deeper/a.txt"], documents.Select(document => document.ExternalId));
        Assert.Equal(5, documents[1].Size);
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), documents[1].ModifiedAt);
        Assert.StartsWith("file://", documents[1].Uri, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain-name_1~.md")]
    [InlineData("sub/a..b./c.md")]
    [InlineData("a #1 & 50%25.md")]
    [InlineData("größe/日本語 🚀.md")]
    public async Task The_address_of_a_file_leads_to_it(string name)
    {
        var path = _folder.Write(name, "hello");

        var uri = Assert.Single(await Documents()).Uri!;

        Assert.Equal(new Uri(path).AbsoluteUri, uri);
        Assert.Equal("hello", await File.ReadAllTextAsync(new Uri(uri).LocalPath, Token));
    }

    [Fact]
    public async Task Leaves_out_hidden_and_lock_files()
    {
        _folder.Write(".DS_Store", "x");
        _folder.Write(".git/config", "x");
        _folder.Write("~$report.docx", "x");
        _folder.Write("report.md", "x");

        Assert.Equal(["report.md"], (await Documents()).Select(document => document.ExternalId));
    }

    [Fact]
    [Trait("Parity", "S76")]
    public async Task A_missing_folder_is_an_error_that_names_it_and_is_not_made()
    {
        var missing = Path.Combine(_folder.Path, "not-mounted");
        using var source = new LocalFolderSource(missing);

        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
            await source.ListAsync(Token).ToListAsync(Token)
        );

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains(missing, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Fix);
        Assert.False(Directory.Exists(missing));
    }

    [Fact]
    public async Task Links_are_followed_inside_the_folder_and_never_out_of_it()
    {
        using var outside = new TemporaryFolder();
        outside.Write("secret.txt", "secret");
        _folder.Write("real.txt", "real");
        _folder.Write(".data/v1/config.txt", "mounted");
        Link("inside.txt", Path.Combine(_folder.Path, "real.txt"));
        Link("mounted", Path.Combine(_folder.Path, ".data/v1"), isDirectory: true);
        Link("escape.txt", Path.Combine(outside.Path, "secret.txt"));
        Link("escape", outside.Path, isDirectory: true);

        Assert.Equal(
            ["inside.txt", "mounted/config.txt", "real.txt"],
            (await Documents()).Select(document => document.ExternalId).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    [Trait("Parity", "S77")]
    public async Task Dangling_and_circular_links_do_not_stop_the_listing()
    {
        _folder.Write("a.txt", "a");
        Directory.CreateDirectory(Path.Combine(_folder.Path, "loop"));
        Link("loop/up", _folder.Path, isDirectory: true);
        Link("dangling.txt", Path.Combine(_folder.Path, "nowhere.txt"));
        Link("self", Path.Combine(_folder.Path, "self"));

        Assert.Equal(["a.txt"], (await Documents()).Select(document => document.ExternalId));
    }

    [Fact]
    public async Task A_folder_that_is_itself_a_link_is_listed()
    {
        _folder.Write("real/a.txt", "a");
        Link("link", Path.Combine(_folder.Path, "real"), isDirectory: true);
        using var source = new LocalFolderSource(Path.Combine(_folder.Path, "link"));

        var items = await source.ListAsync(Token).ToListAsync(Token);

        Assert.Equal("a.txt", Assert.IsType<SourceDocument>(Assert.Single(items)).ExternalId);
    }

    [Fact]
    public async Task A_file_that_vanished_is_a_transient_error()
    {
        var path = _folder.Write("a.txt", "a");
        using var source = new LocalFolderSource(_folder.Path);
        var document = (SourceDocument)Assert.Single(await source.ListAsync(Token).ToListAsync(Token));
        File.Delete(path);

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await source.OpenAsync(document, Token));

        Assert.Equal(ErrorClass.Transient, error.Class);
        Assert.Contains("a.txt", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_ends_at_a_change_long_before_the_interval()
    {
        using var source = new LocalFolderSource(_folder.Path);
        var waiting = source.WaitForChangeAsync(TimeSpan.FromMinutes(10), TimeProvider.System, Token);
        _folder.Write("new.txt", "new");

        await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    [Fact]
    public async Task Waiting_ends_at_the_interval_when_nothing_changes()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        using var source = new LocalFolderSource(_folder.Path);
        var waiting = source.WaitForChangeAsync(TimeSpan.FromMinutes(1), time, Token);
        Assert.False(waiting.IsCompleted);

        time.Advance(TimeSpan.FromMinutes(1));

        await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    private void Link(string name, string target, bool isDirectory = false)
    {
        var path = Path.Combine(_folder.Path, name);
        if (isDirectory)
        {
            Directory.CreateSymbolicLink(path, target);
        }
        else
        {
            File.CreateSymbolicLink(path, target);
        }
    }

    private async Task<List<SourceDocument>> Documents()
    {
        using var source = new LocalFolderSource(_folder.Path);
        return await source.ListAsync(Token).Cast<SourceDocument>().ToListAsync(Token);
    }
}
