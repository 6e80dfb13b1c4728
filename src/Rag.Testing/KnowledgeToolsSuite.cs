using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>The tools that a model is given, over the store.</summary>
public abstract class KnowledgeToolsSuite(OpenStore open) : StoreSuite(open)
{
    private Knowledge? _knowledge;
    private Dictionary<string, AIFunction> _tools = [];

    private Knowledge Knowledge => _knowledge ?? throw new InvalidOperationException("The test has not begun.");

    /// <inheritdoc />
    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _knowledge = new Knowledge(Store, Time);
        _tools = Tools(CollectionKey.Default).ToDictionary(tool => tool.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _knowledge?.Dispose();
        await base.DisposeAsync();
    }

    [Fact]
    public void Models_are_told_what_the_tools_do_and_take()
    {
        Assert.Equal(["get_document", "list_documents", "search_knowledge"], _tools.Keys.Order());
        Assert.All(_tools.Values, tool => Assert.NotEmpty(tool.Description));
        var search = _tools["search_knowledge"].JsonSchema;
        Assert.Equal(["query"], search.GetProperty("required").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(
            ["query", "count", "path"],
            search.GetProperty("properties").EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal(
            ["contains", "after"],
            _tools["list_documents"]
                .JsonSchema.GetProperty("properties")
                .EnumerateObject()
                .Select(property => property.Name)
        );
        Assert.Equal(
            ["document_id"],
            _tools["get_document"].JsonSchema.GetProperty("required").EnumerateArray().Select(name => name.GetString())
        );
    }

    [Fact, Trait("Parity", "S44")]
    public async Task Search_gives_four_passages_with_id_title_place_and_text()
    {
        for (var i = 0; i < 6; i++)
        {
            Knowledge.Write($"boiler{i}.md", $"# Boiler {i}\n\nThe boiler number {i} is descaled every {i + 2} weeks.");
        }

        await Knowledge.RunAsync();

        var result = Search(await CallAsync("search_knowledge", ("query", "When is the boiler descaled?")));

        Assert.Equal(SearchResult.KindName, result.Kind);
        Assert.Equal(4, result.Passages.Count);
        Assert.All(result.Passages, passage => Assert.Contains("descaled", passage.Text, StringComparison.Ordinal));
        Assert.All(result.Passages, passage => Assert.StartsWith("Boiler", passage.Title, StringComparison.Ordinal));
        Assert.All(result.Passages, passage => Assert.Equal(1, passage.Version));
        Assert.Equal(result.Passages[0].Text!.Length, result.Passages[0].End - result.Passages[0].Start);
        Assert.Equal(2, Search(await CallAsync("search_knowledge", ("query", "boiler"), ("count", 2))).Passages.Count);
        Assert.Equal(
            6,
            Search(await CallAsync("search_knowledge", ("query", "boiler"), ("count", 999))).Passages.Count
        );
    }

    [Fact, Trait("Parity", "S44")]
    public async Task Search_says_when_it_found_nothing()
    {
        var result = Search(await CallAsync("search_knowledge", ("query", "boiler")));

        Assert.Empty(result.Passages);
        Assert.Contains("list_documents", result.Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_keeps_to_a_folder_or_document_if_it_is_told_to()
    {
        Knowledge.Write("guides/a.md", "The boiler of the guide.");
        Knowledge.Write("notes/a.md", "The boiler of the notes.");
        await Knowledge.RunAsync();

        Assert.Equal(["guides/a.md", "notes/a.md"], await NamesAsync(""));
        Assert.Equal(["notes/a.md"], await NamesAsync("notes"));
        Assert.Equal(["guides/a.md"], await NamesAsync("guides/a.md"));
        foreach (var nowhere in new[] { "note", "no\0where", new string('x', 5_000) })
        {
            var result = Search(await CallAsync("search_knowledge", ("query", "boiler"), ("path", nowhere)));
            Assert.Empty(result.Passages);
            Assert.Contains("list_documents", result.Note, StringComparison.Ordinal);
            Assert.InRange(result.Note!.Length, 1, 500);
        }

        async Task<IEnumerable<string>> NamesAsync(string path) =>
            Search(await CallAsync("search_knowledge", ("query", "boiler"), ("path", path)))
                .Passages.Select(passage => passage.Name!)
                .Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task No_tool_tells_where_a_file_lies_on_this_machine()
    {
        Knowledge.Write("a.md", "boiler");
        await Knowledge.RunAsync();
        var document = await Knowledge.DocumentAsync("a.md");

        JsonElement[] results =
        [
            await CallAsync("search_knowledge", ("query", "boiler")),
            await CallAsync("list_documents"),
            await CallAsync("get_document", ("document_id", document.Id)),
        ];

        Assert.StartsWith("file://", document.Uri, StringComparison.Ordinal); // the ledger knows
        Assert.All(results, result => Assert.DoesNotContain("file:", result.GetRawText(), StringComparison.Ordinal));
    }

    [Fact, Trait("Parity", "S46")]
    public async Task Documents_are_listed_page_by_page_with_columns_of_tables()
    {
        for (var i = 0; i < 55; i++)
        {
            Knowledge.Write($"note{i:D2}.md", $"Note {i}");
        }

        Knowledge.Write("prices.csv", "item,price\npump,12\n");
        await Knowledge.RunAsync();

        var first = await CallAsync("list_documents");
        var next = first.GetProperty("next").GetString()!;
        var second = await CallAsync("list_documents", ("after", next));

        Assert.Contains("'after'", first.GetProperty("note").GetString(), StringComparison.Ordinal);
        Assert.False(second.TryGetProperty("next", out _));
        var names = Documents(first)
            .Concat(Documents(second))
            .Select(document => document.GetProperty("name").GetString())
            .ToList();
        Assert.Equal((50, 56, 56), (Documents(first).Count(), names.Count, names.Distinct().Count()));
        var prices = Assert.Single(Documents(await CallAsync("list_documents", ("contains", "PRICES"))));
        Assert.Equal(
            ["item", "price"],
            prices.GetProperty("columns").EnumerateArray().Select(column => column.GetString())
        );
        Assert.NotEmpty(prices.GetProperty("id").GetString()!);
        Assert.NotEmpty(prices.GetProperty("title").GetString()!);
    }

    [Fact, Trait("Parity", "S47")]
    public async Task A_long_document_is_read_in_parts_that_join_to_the_whole()
    {
        var text = string.Join("\n", Enumerable.Range(0, 3000).Select(i => $"Line {i} of a long document 🙂."));
        Knowledge.Write("long.txt", text);
        await Knowledge.RunAsync();
        var id = (await Knowledge.DocumentAsync("long.txt")).Id;

        var (read, offset, parts) = ("", 0, 0);
        while (true)
        {
            var result = Search(await CallAsync("get_document", ("document_id", id), ("offset", offset)));
            var part = Assert.Single(result.Passages);
            Assert.Equal((offset, offset + part.Text!.Length), (part.Start, part.End));
            Assert.InRange(part.Text.Length, 1, 20_000);
            (read, offset, parts) = (read + part.Text, part.End, parts + 1);
            if (result.Note is null)
            {
                break;
            }

            Assert.EndsWith("\n", part.Text, StringComparison.Ordinal);
            Assert.Contains($"offset {part.End}", result.Note, StringComparison.Ordinal);
        }

        Assert.Equal(text, read);
        Assert.True(parts > 1);
    }

    [Fact, Trait("Parity", "S47")]
    public async Task A_part_never_ends_inside_of_a_character()
    {
        Knowledge.Write("faces.txt", "x" + string.Concat(Enumerable.Repeat("🙂", 15_000)));
        await Knowledge.RunAsync();
        var id = (await Knowledge.DocumentAsync("faces.txt")).Id;

        var part = Search(await CallAsync("get_document", ("document_id", id))).Passages[0].Text!;

        Assert.Equal(19_999, part.Length);
        Assert.True(char.IsLowSurrogate(part[^1]));
    }

    [Fact, Trait("Parity", "S47")]
    public async Task What_cannot_be_read_is_said_in_words_that_help()
    {
        Knowledge.Write("a.txt", "short");
        await Knowledge.RunAsync();
        var id = (await Knowledge.DocumentAsync("a.txt")).Id;
        var elsewhere = Tools(new CollectionKey("default", "other")).Single(tool => tool.Name == "get_document");

        Assert.Contains(
            "list_documents",
            Search(await CallAsync("get_document", ("document_id", "nobody"))).Note,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "5 characters",
            Search(await CallAsync("get_document", ("document_id", id), ("offset", 5))).Note,
            StringComparison.Ordinal
        );
        Assert.Empty(Search(await CallAsync(elsewhere, ("document_id", id))).Passages);
    }

    private IEnumerable<AIFunction> Tools(CollectionKey collection) =>
        new KnowledgeTools(new RetrievalPipeline(Store.Search), Store.Documents)
            .For(Principal.Local, collection)
            .Cast<AIFunction>();

    private static IEnumerable<JsonElement> Documents(JsonElement list) =>
        list.GetProperty("documents").EnumerateArray();

    private static SearchResult Search(JsonElement result) =>
        result.Deserialize(SlipwayJsonContext.Default.SearchResult)!;

    private Task<JsonElement> CallAsync(string tool, params (string Name, object Value)[] arguments) =>
        CallAsync(_tools[tool], arguments);

    private static async Task<JsonElement> CallAsync(AIFunction tool, params (string Name, object Value)[] arguments) =>
        Assert.IsType<JsonElement>(
            await tool.InvokeAsync(
                new AIFunctionArguments(arguments.ToDictionary(pair => pair.Name, object? (pair) => pair.Value)),
                TestContext.Current.CancellationToken
            )
        );
}
