using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IDocumentStore.PublishAsync"/>: what is published is there, whole, in its version, or not at all.</summary>
public abstract class PublishingSuite(OpenStore open) : StoreSuite(open)
{
    [Fact]
    public async Task What_is_published_is_there_with_everything_that_was_said_of_it()
    {
        var publication = Corpus.Publication("a.txt", "first ", "second") with
        {
            Document = Corpus.Document("a.txt") with { Uri = "https://example.com/a", Title = "not this" },
            Title = "The title",
            Metadata = new Dictionary<string, string> { ["author"] = "Ada \"the first\"", ["größe"] = "" },
            Tables =
            [
                new DataTable(
                    "prices",
                    ["part", "price"],
                    [
                        ["boiler", "120"],
                        ["pump", null],
                    ]
                ),
            ],
        };

        var (id, version) = await Store.Documents.PublishAsync(publication, Token);

        Assert.Equal((Corpus.Id("a.txt"), 1), (id, version));
        var document = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal((id, CollectionKey.Default, Corpus.Source), (document.Id, document.Collection, document.Source));
        Assert.Equal(
            ("a.txt", "a.txt", "The title", "text/plain", "https://example.com/a"),
            (document.ExternalId, document.Name, document.Title, document.MediaType, document.Uri)
        );
        Assert.Equal(
            (DocumentState.Published, 1, 100L, 2),
            (document.State, document.Version, document.Size, document.Chunks)
        );
        Assert.Equal((Corpus.SeenAt.AddDays(-1), Time.GetUtcNow()), (document.ModifiedAt, document.PublishedAt));
        Assert.Equal(TimeSpan.Zero, document.PublishedAt!.Value.Offset);
        Assert.Equal(
            (0, null, null, null),
            (document.Attempts, document.Error, document.ErrorClass, document.NextActionAt)
        );
        Assert.Equal(["part", "price"], document.Columns);
        Assert.Equal(publication.Metadata, document.Metadata);
        Assert.Equal("first second", await Corpus.TextAsync(id));
        Assert.Equal(
            (1, 1, 2, 2),
            (
                await Store.CountAsync(StoredKind.Documents, Token),
                await Store.CountAsync(StoredKind.Versions, Token),
                await Store.CountAsync(StoredKind.Chunks, Token),
                await Store.CountAsync(StoredKind.Rows, Token)
            )
        );
    }

    [Fact]
    public async Task A_new_version_takes_the_place_of_the_old_one()
    {
        var first = Corpus.Publication("a.txt", "old one", "old two") with
        {
            Metadata = new Dictionary<string, string> { ["old"] = "yes" },
            Tables =
            [
                new DataTable(
                    "t",
                    ["c"],
                    [
                        ["1"],
                        ["2"],
                    ]
                ),
            ],
        };
        var id = await Corpus.PublishAsync(first);
        Time.Advance(TimeSpan.FromHours(1));

        var again = Corpus.Publication("a.txt", "new") with { ContentHash = "h2", Size = 7 };
        Assert.Equal(id, await Corpus.PublishAsync(again));

        var document = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal(
            (2, 7L, 1, Time.GetUtcNow()),
            (document.Version, document.Size, document.Chunks, document.PublishedAt)
        );
        Assert.Empty(document.Metadata);
        Assert.Empty(document.Columns);
        Assert.Equal(new DocumentText(id, 2, "new"), await Store.Documents.ReadTextAsync(Corpus.Anna, id, Token));
        Assert.Empty(await Corpus.SearchAsync("old"));
        Assert.Single(await Corpus.SearchAsync("new"));
        Assert.Equal(
            (1, 0),
            (await Store.CountAsync(StoredKind.Chunks, Token), await Store.CountAsync(StoredKind.Rows, Token))
        );
        Assert.Equal(2, await Store.CountAsync(StoredKind.Versions, Token));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(-1)]
    public async Task A_result_that_was_made_from_another_version_is_refused_and_changes_nothing(int baseVersion)
    {
        var id = await Corpus.PublishAsync("a.txt", "first");

        var conflict = await Assert.ThrowsAsync<PublicationConflictException>(async () =>
            await Store.Documents.PublishAsync(
                Corpus.Publication("a.txt", "late") with
                {
                    BaseVersion = baseVersion,
                    Document = Corpus.Document("a.txt", "user:nobody"),
                },
                Token
            )
        );

        Assert.Equal(ErrorClass.Transient, conflict.Class);
        Assert.Contains("a.txt", conflict.Message, StringComparison.Ordinal);
        Assert.Equal(new DocumentText(id, 1, "first"), await Store.Documents.ReadTextAsync(Corpus.Anna, id, Token));
        Assert.Empty(await Corpus.SearchAsync("late"));
        Assert.Equal(1, await Store.CountAsync(StoredKind.Versions, Token));
        Assert.Equal(1, await Store.CountAsync(StoredKind.Attempts, Token));
    }

    [Fact]
    public async Task A_document_that_was_deleted_meanwhile_does_not_come_back()
    {
        var id = await Corpus.PublishAsync("a.txt", "first");
        await Store.Documents.DeleteAsync(CollectionKey.Default, [id], Token);

        foreach (var named in new[] { id, null })
        {
            await Assert.ThrowsAsync<PublicationConflictException>(async () =>
                await Store.Documents.PublishAsync(
                    Corpus.Publication("a.txt", "late") with
                    {
                        BaseVersion = 1,
                        DocumentId = named,
                    },
                    Token
                )
            );
        }

        Assert.Equal(0, await Store.CountAsync(StoredKind.Documents, Token));
        Assert.Empty(await Corpus.SearchAsync("late"));
    }

    [Fact]
    public async Task A_publication_takes_over_the_row_that_it_names_wherever_the_document_is_now()
    {
        var id = await Corpus.PublishAsync("old/a.txt", "first");

        var taken = await Store.Documents.PublishAsync(
            Corpus.Publication("new/a.txt", "second") with
            {
                DocumentId = id,
                BaseVersion = 1,
            },
            Token
        );

        Assert.Equal((id, 2), taken);
        var document = Assert.Single(await Corpus.ListAsync());
        Assert.Equal((id, "new/a.txt", "new/a.txt"), (document.Id, document.Name, document.ExternalId));
        Assert.Equal(id, (await Corpus.LedgerAsync("new/a.txt")).DocumentId);
        Assert.Empty(await Corpus.SearchAsync("first"));
        Assert.Equal(id, Assert.Single(await Corpus.SearchAsync("second")).DocumentId);

        // The old place is free again and gets an id of its own, the next of its line.
        var (next, _) = await Store.Documents.PublishAsync(Corpus.Publication("old/a.txt", "third"), Token);
        Assert.Equal(DocumentId.Derive(CollectionKey.Default, Corpus.Source, "old/a.txt", salt: 1), next);
    }

    [Fact]
    public async Task A_row_is_not_moved_onto_anothers_place()
    {
        var moved = await Corpus.PublishAsync("a.txt", "first");
        var other = await Corpus.PublishAsync("b.txt", "second");

        await Assert.ThrowsAsync<PublicationConflictException>(async () =>
            await Store.Documents.PublishAsync(
                Corpus.Publication("b.txt", "third") with
                {
                    DocumentId = moved,
                    BaseVersion = 1,
                },
                Token
            )
        );

        Assert.Equal("first", await Corpus.TextAsync(moved));
        Assert.Equal("second", await Corpus.TextAsync(other));
        Assert.Empty(await Corpus.SearchAsync("third"));
    }

    [Fact]
    [Trait("Parity", "S100")]
    public async Task What_fails_in_the_middle_leaves_the_old_version_answering()
    {
        var id = await Corpus.PublishAsync("a.txt", "first");
        var chunks = Corpus.Chunks("second", "third");

        await Assert.ThrowsAnyAsync<Exception>(async () =>
            await Store.Documents.PublishAsync(
                Corpus.Publication("a.txt") with
                {
                    BaseVersion = 1,
                    Chunks = [chunks[0], chunks[1] with { Ordinal = 0 }],
                },
                Token
            )
        );

        Assert.Equal(new DocumentText(id, 1, "first"), await Store.Documents.ReadTextAsync(Corpus.Anna, id, Token));
        Assert.Single(await Corpus.SearchAsync("first"));
        Assert.Empty(await Corpus.SearchAsync("second third"));
        Assert.Equal(1, await Store.CountAsync(StoredKind.Versions, Token));
    }

    [Fact]
    public async Task What_was_cancelled_is_not_published()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.Documents.PublishAsync(Corpus.Publication("a.txt", "first"), cancelled.Token)
        );

        Assert.Equal(0, await Store.CountAsync(StoredKind.Documents, Token));
    }

    /// <summary>Escapes in the data, so that a runner can print it.</summary>
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("line\\r\\nend\\n\\n \\t ", "line\\r\\nend\\n\\n \\t ")]
    [InlineData(
        "it's \\\"quoted\\\" \\\\ 100% _like_ $1 {0} ; -- /* '' */",
        "it's \\\"quoted\\\" \\\\ 100% _like_ $1 {0} ; -- /* '' */"
    )]
    [InlineData("😀 e\\u0301 \\u202Eabc שלום 京都 \\uFEFF\\uFFFF", "😀 e\\u0301 \\u202Eabc שלום 京都 \\uFEFF\\uFFFF")]
    [InlineData("a\\0b\\0", "a\\uFFFDb\\uFFFD")]
    [InlineData("lone \\uD83D high, \\uDE00 low, \\uDE00\\uD83D", "lone \\uFFFD high, \\uFFFD low, \\uFFFD\\uFFFD")]
    [InlineData("\\u0001\\u001F\\u007F\\u0085", "\\u0001\\u001F\\u007F\\u0085")]
    public async Task Text_comes_back_as_it_was(string escaped, string expected)
    {
        var (text, stored) = (Unescape(escaped), Unescape(expected));
        var id = await Corpus.PublishAsync(
            Corpus.Publication("a.txt") with
            {
                Chunks = [Corpus.Chunk(0, 0, text, "Heading " + text), Corpus.Chunk(1, text.Length, "boiler", text)],
                Title = "Title " + text,
                Metadata = new Dictionary<string, string> { ["key " + text] = text },
                Tables =
                [
                    new DataTable(
                        text,
                        [text, "other"],
                        [
                            [text, text],
                        ]
                    ),
                ],
            }
        );

        Assert.Equal(stored + "boiler", await Corpus.TextAsync(id));
        var document = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal(("Title " + stored, stored), (document.Title, document.Metadata["key " + stored]));
        Assert.Equal([stored, "other"], document.Columns);
        Assert.Equal(
            stored,
            await Store.Passages.ReadAsync(new PassageReference(id, 1, 0, text.Length), Corpus.Anna, Token)
        );
        await using var snapshot = await Store.Search.OpenSnapshotAsync(CollectionKey.Default, Corpus.Anna, Token);
        var passages = await snapshot.ReadPassagesAsync([new(id, 0, 1), new(id, 1, 1)], Token);
        Assert.Equal([stored, "boiler"], passages.Select(passage => passage.Text));
        Assert.Equal(
            [
                ["Heading " + stored],
                [stored],
            ],
            passages.Select(passage => passage.Headings)
        );
    }

    [Fact]
    public async Task A_line_of_a_hundred_thousand_characters_is_one_chunk_like_another()
    {
        var line = string.Join(' ', Enumerable.Range(0, 15_000).Select(i => "word" + (i % 1_000)));

        var id = await Corpus.PublishAsync("a.txt", line, "boiler");

        Assert.True(line.Length > 100_000);
        Assert.Equal(line + "boiler", await Corpus.TextAsync(id));
        Assert.Equal(0, (await Corpus.SearchAsync("word999"))[0].Ordinal);
    }

    [Fact]
    public async Task Thousands_of_chunks_are_published_together()
    {
        var id = await Corpus.PublishAsync("a.txt", [.. Enumerable.Range(0, 3_000).Select(i => $"chunk{i} ")]);

        Assert.Equal(3_000, (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!.Chunks);
        Assert.Equal(string.Concat(Enumerable.Range(0, 3_000).Select(i => $"chunk{i} ")), await Corpus.TextAsync(id));
        Assert.Equal(2_999, (await Corpus.SearchAsync("chunk2999"))[0].Ordinal);
    }

    [Fact]
    public async Task Chunks_that_overlap_give_the_text_once()
    {
        const string Text = "one two three four";
        var id = await Corpus.PublishAsync(
            Corpus.Publication("a.txt") with
            {
                Chunks =
                [
                    Corpus.Chunk(0, 0, Text[..8]),
                    Corpus.Chunk(1, 4, Text[4..13]),
                    Corpus.Chunk(2, 8, Text[8..13]),
                    Corpus.Chunk(3, 10, Text[10..]),
                ],
            }
        );

        Assert.Equal(Text, await Corpus.TextAsync(id));
    }

    [Fact]
    public async Task An_empty_document_is_published_with_an_empty_text()
    {
        var id = await Corpus.PublishAsync("empty.txt");

        Assert.Equal("", await Corpus.TextAsync(id));
        var document = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal((DocumentState.Published, 1, 0), (document.State, document.Version, document.Chunks));
        await Corpus.PublishAsync("empty.txt", "no longer");
        await Corpus.PublishAsync("empty.txt");
        Assert.Empty(await Corpus.SearchAsync("longer"));
    }

    [Fact]
    public async Task Names_of_any_kind_are_identities_of_their_own()
    {
        string[] names =
        [
            "it's.txt",
            "\"quoted\".txt",
            "a b/c\\d.txt",
            "A.txt",
            "a.txt",
            "a.txt ",
            "é.txt",
            "e\u0301.txt",
            "ß",
            "ss",
            "😀.md",
            "%",
            "_",
            "$1",
            "1",
            "01",
            new string('x', 1_500),
            "京都/地図.txt",
            "{\"json\":[1]}",
        ];
        foreach (var name in names)
        {
            Assert.Equal(Corpus.Id(name), await Corpus.PublishAsync(name, "text of " + name));
        }

        Assert.Equal(
            names.Order(StringComparer.Ordinal),
            (await Corpus.LedgerAsync()).Select(entry => entry.ExternalId).Order(StringComparer.Ordinal)
        );
        foreach (var name in names)
        {
            Assert.Equal("text of " + name, await Corpus.TextAsync(Corpus.Id(name)));
        }

        Assert.Equal(1, await Store.Documents.DeleteAsync(CollectionKey.Default, [Corpus.Id("a.txt")], Token));
        Assert.Equal(names.Length - 1, (await Corpus.LedgerAsync()).Count);
    }

    [Fact]
    public async Task The_same_name_in_another_source_collection_or_tenant_is_another_document()
    {
        CollectionKey[] collections = [CollectionKey.Default, new("default", "other"), new("elsewhere", "default")];
        foreach (var collection in collections)
        {
            foreach (var source in new[] { "one", "two" })
            {
                var (id, version) = await Store.Documents.PublishAsync(
                    Corpus.Publication("a.txt", $"{collection} {source}") with
                    {
                        Collection = collection,
                        Source = source,
                    },
                    Token
                );
                Assert.Equal((DocumentId.Derive(collection, source, "a.txt"), 1), (id, version));
            }
        }

        Assert.Equal(6, await Store.CountAsync(StoredKind.Documents, Token));
    }

    private static string Unescape(string text) => System.Text.RegularExpressions.Regex.Unescape(text);
}
