using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>The ledger: what is known of each document, what was tried, and what is gone.</summary>
public abstract class LedgerSuite(OpenStore open) : StoreSuite(open)
{
    [Fact]
    public async Task The_ledger_has_what_planning_needs()
    {
        // A source's time is compared for equality: its last tick counts.
        var modifiedAt = new DateTimeOffset(638_800_000_001_234_567, TimeSpan.Zero);
        var publication = Corpus.Publication("a.txt", "text") with
        {
            Document = Corpus.Document("a.txt") with { ModifiedAt = modifiedAt, Size = 5_000_000_000 },
            Size = 5_000_000_000,
        };
        var id = await Corpus.PublishAsync(publication);

        Assert.Equal(
            new LedgerEntry
            {
                DocumentId = id,
                ExternalId = "a.txt",
                State = DocumentState.Published,
                Size = 5_000_000_000,
                ModifiedAt = modifiedAt,
                SeenAt = Corpus.SeenAt,
                ContentHash = publication.ContentHash,
                PipelineFingerprint = "pipeline/1",
                Version = 1,
                Attempts = 0,
                NextActionAt = null,
            },
            Assert.Single(await Corpus.LedgerAsync())
        );
    }

    [Fact]
    public async Task A_ledger_is_of_one_source_in_one_collection()
    {
        await Corpus.PublishAsync("a.txt", "text");

        Assert.Empty(await Store.Documents.ReadLedgerAsync(CollectionKey.Default, "other", Token).ToListAsync(Token));
        foreach (var collection in new[] { new CollectionKey("default", "other"), new("other", "default") })
        {
            Assert.Empty(await Store.Documents.ReadLedgerAsync(collection, Corpus.Source, Token).ToListAsync(Token));
        }
    }

    [Fact]
    public async Task Documents_without_size_or_time_stay_without()
    {
        await Corpus.PublishAsync(
            Corpus.Publication("a.txt", "text") with
            {
                Document = new SourceDocument { ExternalId = "a.txt", Name = "a.txt" },
            }
        );

        var entry = await Corpus.LedgerAsync("a.txt");
        Assert.Null(entry.ModifiedAt);
    }

    [Fact]
    public async Task A_look_that_found_the_same_bytes_notes_size_time_name_and_place()
    {
        var id = await Corpus.PublishAsync("old/a.txt", "boiler");
        var published = Time.GetUtcNow();
        Time.Advance(TimeSpan.FromDays(1));
        var document = Corpus.Document("new/b.txt") with
        {
            Size = 101,
            ModifiedAt = new DateTimeOffset(638_900_000_007_654_321, TimeSpan.Zero),
            Uri = "https://example.com/b",
        };

        await SeeAsync((id, document, Time.GetUtcNow()));

        var entry = Assert.Single(await Corpus.LedgerAsync());
        Assert.Equal((id, "new/b.txt", 1), (entry.DocumentId, entry.ExternalId, entry.Version));
        Assert.Equal((101L, document.ModifiedAt, Time.GetUtcNow()), (entry.Size, entry.ModifiedAt, entry.SeenAt));
        var info = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal(("new/b.txt", "https://example.com/b"), (info.Name, info.Uri));
        Assert.Equal((published, 1), (info.PublishedAt, info.Chunks));
        Assert.Equal("boiler", await Corpus.TextAsync(id));
        Assert.Equal(id, Assert.Single(await Corpus.SearchAsync("boiler")).DocumentId);
        Assert.Equal(1, await Store.CountAsync(StoredKind.Versions, Token));
    }

    [Fact]
    public async Task Seeing_a_document_again_after_a_failure_ends_the_retries()
    {
        var id = await Corpus.PublishAsync("a.txt", "boiler");
        await Store.Documents.RecordFailureAsync(Corpus.Failure("a.txt"), Token);

        await SeeAsync((id, Corpus.Document("a.txt"), Time.GetUtcNow()));

        var info = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal(
            (DocumentState.Published, 0, null, null, null),
            (info.State, info.Attempts, info.Error, info.ErrorClass, info.NextActionAt)
        );
    }

    [Fact]
    public async Task Two_documents_may_change_places()
    {
        var a = await Corpus.PublishAsync("a.txt", "alpha");
        var b = await Corpus.PublishAsync("b.txt", "beta");

        await SeeAsync((a, Corpus.Document("c.txt"), Corpus.SeenAt), (b, Corpus.Document("a.txt"), Corpus.SeenAt));

        Assert.Equal(a, (await Corpus.LedgerAsync("c.txt")).DocumentId);
        Assert.Equal(b, (await Corpus.LedgerAsync("a.txt")).DocumentId);
    }

    [Fact]
    public async Task A_look_at_a_taken_place_or_at_what_is_gone_is_passed_over_and_the_rest_is_noted()
    {
        var a = await Corpus.PublishAsync("a.txt", "alpha");
        var b = await Corpus.PublishAsync("b.txt", "beta");
        var gone = await Corpus.PublishAsync("gone.txt", "gone");
        await Corpus.DeleteAsync("gone.txt");

        await SeeAsync(
            (gone, Corpus.Document("gone.txt", "user:anna"), Corpus.SeenAt),
            (a, Corpus.Document("b.txt"), Corpus.SeenAt),
            (b, Corpus.Document("b.txt") with { Size = 7 }, Corpus.SeenAt)
        );

        Assert.Equal(a, (await Corpus.LedgerAsync("a.txt")).DocumentId);
        var entry = await Corpus.LedgerAsync("b.txt");
        Assert.Equal((b, 7L), (entry.DocumentId, entry.Size));
        Assert.Equal(2, (await Corpus.LedgerAsync()).Count);
    }

    [Fact]
    public async Task A_look_does_not_reach_into_another_collection()
    {
        var other = new CollectionKey("elsewhere", "default");
        var (id, _) = await Store.Documents.PublishAsync(
            Corpus.Publication("a.txt", "alpha") with
            {
                Collection = other,
                Document = Corpus.Document("a.txt", "user:eve"),
            },
            Token
        );

        await SeeAsync((id, Corpus.Document("mine.txt"), Corpus.SeenAt));

        var entry = Assert.Single(
            await Store.Documents.ReadLedgerAsync(other, Corpus.Source, Token).ToListAsync(Token)
        );
        Assert.Equal("a.txt", entry.ExternalId);
        Assert.Null(await Store.Documents.FindAsync(new Principal("elsewhere", "anna"), id, Token));
    }

    [Theory]
    [InlineData(DocumentState.Failed, ErrorClass.Transient)]
    [InlineData(DocumentState.Quarantined, ErrorClass.Permanent)]
    [InlineData(DocumentState.Skipped, ErrorClass.Permanent)]
    [InlineData(DocumentState.Failed, ErrorClass.Configuration)]
    [InlineData(DocumentState.Failed, ErrorClass.Authentication)]
    public async Task A_failure_is_kept_with_its_reason(DocumentState state, ErrorClass errorClass)
    {
        var failure = Corpus.Failure("new.pdf", state) with
        {
            ErrorClass = errorClass,
            Error = "Line 1\n\"quoted\" \0",
        };
        await Store.Documents.RecordFailureAsync(failure, Token);

        var entry = Assert.Single(await Corpus.LedgerAsync());
        Assert.Equal((state, 0, 1, null), (entry.State, entry.Version, entry.Attempts, entry.ContentHash));
        Assert.Equal(
            (failure.PipelineFingerprint, failure.SeenAt, failure.NextActionAt),
            (entry.PipelineFingerprint, entry.SeenAt, entry.NextActionAt)
        );
        Assert.Equal((failure.Document.Size, failure.Document.ModifiedAt), (entry.Size, entry.ModifiedAt));
        var info = (await Store.Documents.FindAsync(Corpus.Anna, entry.DocumentId, Token))!;
        Assert.Equal(
            (state, errorClass, "Line 1\n\"quoted\" \uFFFD", failure.NextActionAt),
            (info.State, info.ErrorClass, info.Error, info.NextActionAt)
        );
        Assert.Null(info.PublishedAt);
        Assert.Null(await Corpus.TextAsync(entry.DocumentId));
        Assert.Equal(1, await Store.CountAsync(StoredKind.Attempts, Token));
    }

    [Fact]
    public async Task Attempts_are_counted_while_the_old_version_answers_and_end_with_a_success()
    {
        var id = await Corpus.PublishAsync("a.txt", "boiler");
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await Store.Documents.RecordFailureAsync(Corpus.Failure("a.txt"), Token);

            var entry = await Corpus.LedgerAsync("a.txt");
            Assert.Equal((DocumentState.Failed, 1, attempt), (entry.State, entry.Version, entry.Attempts));
            Assert.Null(entry.ContentHash);
            Assert.Equal(
                new DocumentText(id, 1, "boiler"),
                await Store.Documents.ReadTextAsync(Corpus.Anna, id, Token)
            );
            Assert.Single(await Corpus.SearchAsync("boiler"));
        }

        await Corpus.PublishAsync("a.txt", "pump");

        var info = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal((2, 0, null, null), (info.Version, info.Attempts, info.Error, info.NextActionAt));
        Assert.Equal(5, await Store.CountAsync(StoredKind.Attempts, Token));
    }

    [Fact]
    public async Task A_document_that_failed_at_first_is_published_on_version_zero()
    {
        await Store.Documents.RecordFailureAsync(Corpus.Failure("a.txt"), Token);
        var failed = await Corpus.LedgerAsync("a.txt");

        var published = await Store.Documents.PublishAsync(
            Corpus.Publication("a.txt", "boiler") with
            {
                DocumentId = failed.DocumentId,
            },
            Token
        );

        Assert.Equal((Corpus.Id("a.txt"), 1), published);
        Assert.Equal(failed.DocumentId, published.DocumentId);
    }

    [Fact]
    public async Task What_is_deleted_is_gone_at_once_with_all_its_rows_for_every_process()
    {
        await using var other = await Store.ReopenAsync(Token);
        var id = await Corpus.PublishAsync(
            Corpus.Publication("a.txt", "boiler", "pump") with
            {
                Document = Corpus.Document("a.txt", "user:anna"),
                Tables =
                [
                    new DataTable(
                        "t",
                        ["c"],
                        [
                            ["1"],
                        ]
                    ),
                ],
            }
        );
        await Corpus.PublishAsync("b.txt", "valve");
        await Store.Documents.RecordFailureAsync(
            Corpus.Failure("a.txt") with
            {
                Document = Corpus.Document("a.txt", "user:anna"),
            },
            Token
        );
        await Corpus.MergeAsync();
        Assert.Single(await Corpus.SearchAsync(other.Search, "boiler"));
        Assert.Equal(3, (await Corpus.NearestAsync(other.Search, WordVectors.Of("boiler"))).Count);

        Assert.Equal(1, await Store.Documents.DeleteAsync(CollectionKey.Default, [id], Token));

        foreach (var store in new[] { Store, other })
        {
            Assert.Empty(await Corpus.SearchAsync(store.Search, "boiler pump"));
            Assert.DoesNotContain(
                await Corpus.NearestAsync(store.Search, WordVectors.Of("boiler")),
                hit => hit.DocumentId == id
            );
            Assert.Null(await store.Documents.FindAsync(Corpus.Anna, id, Token));
            Assert.Null(await store.Documents.ReadTextAsync(Corpus.Anna, id, Token));
            Assert.Null(await store.Passages.ReadAsync(new PassageReference(id, 1, 0, 3), Corpus.Anna, Token));
        }

        Assert.Equal(["b.txt"], (await Corpus.LedgerAsync()).Select(entry => entry.ExternalId));
        foreach (
            var kind in new[] { StoredKind.Documents, StoredKind.Versions, StoredKind.Chunks, StoredKind.Attempts }
        )
        {
            Assert.Equal(1, await Store.CountAsync(kind, Token));
        }

        Assert.Equal(0, await Store.CountAsync(StoredKind.Rows, Token));
    }

    [Fact]
    public async Task Only_what_is_in_the_collection_is_deleted_and_counted()
    {
        var mine = await Corpus.PublishAsync("a.txt", "boiler");
        var (others, _) = await Store.Documents.PublishAsync(
            Corpus.Publication("a.txt", "boiler") with
            {
                Collection = new CollectionKey("default", "other"),
            },
            Token
        );
        var (foreign, _) = await Store.Documents.PublishAsync(
            Corpus.Publication("a.txt", "boiler") with
            {
                Collection = new CollectionKey("elsewhere", "default"),
            },
            Token
        );

        var deleted = await Store.Documents.DeleteAsync(
            CollectionKey.Default,
            [mine, others, foreign, mine, "nobody", ""],
            Token
        );

        Assert.Equal(1, deleted);
        Assert.Equal(0, await Store.Documents.DeleteAsync(CollectionKey.Default, [], Token));
        Assert.Equal(2, await Store.CountAsync(StoredKind.Documents, Token));
        Assert.NotNull(await Store.Documents.FindAsync(new Principal("elsewhere", "anna"), foreign, Token));
    }

    [Fact]
    public async Task A_deleted_document_comes_back_as_a_new_one()
    {
        var id = await Corpus.PublishAsync("a.txt", "boiler");
        await Corpus.PublishAsync("a.txt", "boiler");
        await Corpus.DeleteAsync("a.txt");

        Assert.Equal(id, await Corpus.PublishAsync("a.txt", "pump"));

        Assert.Equal(1, (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!.Version);
        Assert.Empty(await Corpus.SearchAsync("boiler"));
        Assert.Single(await Corpus.SearchAsync("pump"));
    }

    [Fact]
    public async Task Finished_runs_are_noted()
    {
        for (var i = 0; i < 2; i++)
        {
            await Store.Documents.RecordRunAsync(
                CollectionKey.Default,
                "folder",
                Time.GetUtcNow(),
                "{\"added\":1}",
                Token
            );
        }

        Assert.Equal(2, await Store.CountAsync(StoredKind.Runs, Token));
    }

    private ValueTask SeeAsync(params (string, SourceDocument, DateTimeOffset)[] documents) =>
        Store.Documents.MarkSeenAsync(CollectionKey.Default, Corpus.Source, documents, Token);
}
