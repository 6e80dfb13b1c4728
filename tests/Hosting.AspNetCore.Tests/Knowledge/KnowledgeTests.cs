using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Rag.Ingestion;

namespace Slipway.Hosting.AspNetCore.Tests.Knowledge;

public sealed class KnowledgeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Search_finds_passages_with_their_places()
    {
        await using var server = await (await SlipwayServer.StartAsync()).IngestAsync();
        var result = await GetAsync(server, "/api/search?q=descale%20boiler&count=3");
        Assert.Equal("slipway.search", result.GetProperty("kind").GetString());
        var passage = result.GetProperty("passages")[0];
        Assert.Equal("manual.md", passage.GetProperty("name").GetString());
        Assert.Equal(
            passage.GetProperty("text").GetString(),
            SlipwayServer.Manual[passage.GetProperty("start").GetInt32()..passage.GetProperty("end").GetInt32()]
        );
        Assert.False(passage.TryGetProperty("uri", out _)); // a file's path is nobody's business
    }

    [Theory]
    [InlineData("/api/search", "'q' is missing")]
    [InlineData("/api/search?q=x&count=0", "'count' is '0'")]
    [InlineData("/api/search?q=x&count=many", "many")]
    [InlineData("/api/search?q=x&filter=path", "no JSON")]
    [InlineData("/api/search?q=x&filter=[]", "'filter' must be an object with one of: and, or, not, path")]
    [InlineData("/api/search?q=x&filter={\"paths\":\"a\"}", "'filter.paths' is unknown; there are: and, or")]
    [InlineData(
        "/api/search?q=x&filter={\"modified\":{\"gte\":\"soon\"}}",
        "'filter.modified.gte' must be a date or time"
    )]
    [InlineData("/api/search?q=x&path=", "'path' is refused")]
    [InlineData("/api/search?q=x&meta.=1", "'meta.' is refused")]
    [InlineData("/api/documents?limit=5000", "'limit' is '5000'")]
    [InlineData("/api/documents?limit=-1", "'limit' is '-1'")]
    [InlineData("/api/documents?state=lost", "'state' is 'lost'")]
    [InlineData("/api/documents?after=nonsense", "mark of the page")]
    [InlineData("/api/documents?state=1", "'state' is '1'")]
    public async Task A_parameter_that_cannot_be_taken_says_why(string path, string detail)
    {
        await using var server = await SlipwayServer.StartAsync();
        using var response = await server.Client.GetAsync(path, Token);
        var problem = await response.ReadProblemAsync(HttpStatusCode.BadRequest);
        Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_search_can_be_narrowed_by_path_source_metadata_and_any_filter()
    {
        await using var server = await (await SlipwayServer.StartAsync()).IngestAsync();
        const string Note = "---\nlanguage: en\nyear: 2026\n---\n# Note\n\nDescale the other boiler too.\n";
        await PushAsync(server, "notes/boiler.md", Note);
        await server.Services.GetRequiredService<DocumentInbox>().ProcessAsync(Token);

        Assert.Equal(["manual.md", "notes/boiler.md"], await NamesAsync(""));
        Assert.Equal(["notes/boiler.md"], await NamesAsync("&path=notes/"));
        Assert.Equal(["manual.md"], await NamesAsync("&path=manual.md"));
        Assert.Empty(await NamesAsync("&path=note"));
        Assert.Equal(["manual.md"], await NamesAsync("&source=local"));
        Assert.Equal(["notes/boiler.md"], await NamesAsync("&meta.language=de&meta.language=en"));
        Assert.Empty(await NamesAsync("&meta.language=en&source=local"));
        Assert.Equal(["notes/boiler.md"], await NamesAsync("&filter={\"metadata\":{\"year\":{\"gte\":2025}}}"));
        Assert.Equal(["manual.md"], await NamesAsync("&filter={\"not\":{\"metadata\":{\"year\":2026}}}"));

        async Task<IEnumerable<string>> NamesAsync(string parameters) =>
            (await GetAsync(server, "/api/search?q=descale" + parameters))
                .GetProperty("passages")
                .EnumerateArray()
                .Select(passage => passage.GetProperty("name").GetString()!)
                .Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Documents_are_listed_with_their_state_and_read_whole_or_by_passage()
    {
        await using var server = await (await SlipwayServer.StartAsync()).IngestAsync();

        var list = await GetAsync(server, "/api/documents?state=published&contains=MANUAL");
        var document = Assert.Single(list.GetProperty("documents").EnumerateArray());
        Assert.Equal("published", document.GetProperty("state").GetString());
        Assert.Equal("Espresso machine", document.GetProperty("title").GetString());
        Assert.Empty((await GetAsync(server, "/api/documents?state=failed")).GetProperty("documents").EnumerateArray());

        var id = document.GetProperty("id").GetString();
        Assert.Equal("manual.md", (await GetAsync(server, $"/api/documents/{id}")).GetProperty("name").GetString());
        var content = await GetAsync(server, $"/api/documents/{id}/content");
        Assert.Equal(SlipwayServer.Manual, content.GetProperty("text").GetString());
        Assert.Equal(1, content.GetProperty("version").GetInt32());
        var passage = (await GetAsync(server, $"/api/documents/{id}/content?start=2&end=10")).GetProperty("passage");
        Assert.Equal(SlipwayServer.Manual[2..10], passage.GetProperty("text").GetString());
        foreach (var range in (string[])["start=2&end=100000", "start=10&end=2", "start=first"])
        {
            using var wrong = await server.Client.GetAsync($"/api/documents/{id}/content?{range}", Token);
            await wrong.ReadProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Fact]
    public async Task Documents_come_in_pages()
    {
        await using var server = await SlipwayServer.StartAsync();
        foreach (var name in (string[])["a.txt", "b.txt", "c.txt"])
        {
            await PushAsync(server, name, "Text of " + name);
        }

        List<string?> names = [];
        for (var path = "/api/documents?limit=2"; path is not null; )
        {
            var page = await GetAsync(server, path);
            names.AddRange(
                page.GetProperty("documents").EnumerateArray().Select(item => item.GetProperty("name").GetString())
            );
            path = page.TryGetProperty("next", out var next)
                ? "/api/documents?limit=2&after=" + Uri.EscapeDataString(next.GetString()!)
                : null;
        }

        Assert.Equal(["a.txt", "b.txt", "c.txt"], names);
    }

    [Fact]
    public async Task A_pushed_document_answers_and_can_be_taken_back()
    {
        await using var server = await SlipwayServer.StartAsync();

        var pushed = await PushAsync(
            server,
            "notes.md",
            "# Notes\n\nThe grinder needs new burrs.",
            "?name=notes.md&title=My%20notes"
        );
        Assert.Equal("pending", pushed.GetProperty("state").GetString());
        await server.Services.GetRequiredService<DocumentInbox>().ProcessAsync(Token);

        var id = pushed.GetProperty("id").GetString();
        var document = await GetAsync(server, $"/api/documents/{id}");
        Assert.Equal(
            ("published", "My notes"),
            (document.GetProperty("state").GetString(), document.GetProperty("title").GetString())
        );
        Assert.Single((await GetAsync(server, "/api/search?q=burrs")).GetProperty("passages").EnumerateArray());

        using var deleted = await server.Client.DeleteAsync($"/api/documents/{id}", Token);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Empty((await GetAsync(server, "/api/search?q=burrs")).GetProperty("passages").EnumerateArray());
        using var again = await server.Client.DeleteAsync($"/api/documents/{id}", Token);
        await again.ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_form_pushes_several_files()
    {
        await using var server = await SlipwayServer.StartAsync();
        using var form = new MultipartFormDataContent
        {
            { new StringContent("one"), "files", "one.txt" },
            { new StringContent("two"), "files", "two.txt" },
        };
        using var response = await server.Client.PostAsync("/api/documents", form, Token);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var documents = (await response.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("documents");
        Assert.Equal(
            ["one.txt", "two.txt"],
            documents.EnumerateArray().Select(item => item.GetProperty("name").GetString())
        );
    }

    [Theory]
    [InlineData("", "'name' is missing")]
    [InlineData("form", "holds no file")]
    public async Task A_push_without_a_document_says_what_is_missing(string kind, string detail)
    {
        await using var server = await SlipwayServer.StartAsync();
        using HttpContent body =
            kind == "form"
                ? new MultipartFormDataContent { { new StringContent("x"), "field" } }
                : new StringContent("x");
        using var response = await server.Client.PostAsync("/api/documents", body, Token);
        var problem = await response.ReadProblemAsync(HttpStatusCode.BadRequest);
        Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_document_over_the_limit_is_refused_and_nothing_is_kept(bool form)
    {
        await using var server = await SlipwayServer.StartAsync(
            settings: new() { ["Limits:MaxDocumentBytes"] = "1000" }
        );
        using HttpContent file = new StringContent(new string('x', 5000));
        using HttpContent body = form ? new MultipartFormDataContent { { file, "files", "big.txt" } } : file;
        using var response = await server.Client.PostAsync("/api/documents?name=big.txt", body, Token);
        var problem = await response.ReadProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        Assert.Contains("Limits:MaxDocumentBytes", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Empty((await GetAsync(server, "/api/documents")).GetProperty("documents").EnumerateArray());
    }

    [Fact]
    public async Task A_listed_document_is_not_deleted_here()
    {
        await using var server = await (await SlipwayServer.StartAsync()).IngestAsync();
        var list = await GetAsync(server, "/api/documents");
        var id = list.GetProperty("documents")[0].GetProperty("id").GetString();
        using var response = await server.Client.DeleteAsync($"/api/documents/{id}", Token);
        var problem = await response.ReadProblemAsync(HttpStatusCode.Conflict);
        Assert.Contains("'local'", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_document_that_was_not_read_yet_has_no_text()
    {
        await using var server = await SlipwayServer.StartAsync();
        var pushed = await PushAsync(server, "notes.md", "Text");
        using var response = await server.Client.GetAsync(
            $"/api/documents/{pushed.GetProperty("id").GetString()}/content",
            Token
        );
        var problem = await response.ReadProblemAsync(HttpStatusCode.NotFound);
        Assert.Contains("pending", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/documents/nothing")]
    [InlineData("/api/documents/nothing/content")]
    [InlineData("/api/nothing")]
    public async Task What_is_not_there_is_a_problem(string path)
    {
        await using var server = await SlipwayServer.StartAsync();
        using var response = await server.Client.GetAsync(path, Token);
        await response.ReadProblemAsync(HttpStatusCode.NotFound);
    }

    private static async Task<JsonElement> GetAsync(SlipwayServer server, string path)
    {
        using var response = await server.Client.GetAsync(path, Token);
        var text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }

    private static async Task<JsonElement> PushAsync(
        SlipwayServer server,
        string name,
        string text,
        string? query = null
    )
    {
        using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        body.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var response = await server.Client.PostAsync("/api/documents" + (query ?? "?name=" + name), body, Token);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("documents")[0];
    }
}
