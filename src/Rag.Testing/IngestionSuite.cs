using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>The ingestion engine over the store: what was promised of documents that come, change, move and go.</summary>
public abstract partial class IngestionSuite(OpenStore open) : StoreSuite(open)
{
    [Fact]
    [Trait("Parity", "S72")]
    [Trait("Parity", "S96")]
    public async Task New_documents_are_published_with_version_place_and_chunks()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("handbook/leave.md", "# Leave\n\nEverybody has 27 days of annual leave.\n");

        var report = await knowledge.RunAsync();

        Assert.Equal((1, 0, 0), (report.Added, report.Changed, report.Errors.Count));
        var document = await knowledge.DocumentAsync("handbook/leave.md");
        Assert.Equal((DocumentState.Published, 1, "Leave"), (document.State, document.Version, document.Title));
        Assert.Equal("text/markdown", document.MediaType);
        Assert.True(document.Chunks > 0);
        Assert.Equal(["handbook/leave.md"], await knowledge.SearchAsync("annual leave"));
        var text = await Store.Documents.ReadTextAsync(Principal.Local, document.Id, Token);
        Assert.Equal("# Leave\n\nEverybody has 27 days of annual leave.\n", text!.Text);
    }

    [Fact]
    [Trait("Parity", "S78")]
    public async Task A_second_run_reads_nothing()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("a.md", "alpha");
        knowledge.Write("b.md", "beta");
        await knowledge.RunAsync();

        var report = await knowledge.RunAsync();

        Assert.Equal((2, 0L), (report.Unchanged, report.Bytes));
    }

    [Fact]
    [Trait("Parity", "S78")]
    public async Task A_touched_file_is_read_and_neither_embedded_nor_published_again()
    {
        var embedder = new CountingEmbedder();
        using var knowledge = new Knowledge(Store, Time, embedder);
        knowledge.Write("a.md", "alpha", daysAgo: 3);
        await knowledge.RunAsync();
        var paid = embedder.Inputs;

        knowledge.Write("a.md", "alpha", daysAgo: 2);
        var report = await knowledge.RunAsync();

        Assert.Equal((1, 0, 0), (report.Unchanged, report.Changed, report.Embedded));
        Assert.Equal(paid, embedder.Inputs);
        Assert.Equal(1, (await knowledge.DocumentAsync("a.md")).Version);
        Assert.Equal(0, (await knowledge.RunAsync()).Bytes);
    }

    [Fact]
    [Trait("Parity", "S78")]
    public async Task An_edit_that_keeps_size_and_time_within_the_clocks_grain_is_found()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("a.md", "alpha", daysAgo: 0);
        await knowledge.RunAsync();

        knowledge.Write("a.md", "gamma", daysAgo: 0);
        var report = await knowledge.RunAsync();

        Assert.Equal(1, report.Changed);
        Assert.Equal(["a.md"], await knowledge.SearchAsync("gamma"));
        Assert.Empty(await knowledge.SearchAsync("alpha"));
    }

    [Fact]
    public async Task An_edited_sentence_embeds_only_its_chunk()
    {
        var embedder = new CountingEmbedder();
        using var knowledge = new Knowledge(Store, Time, embedder);
        var sections = Enumerable
            .Range(0, 40)
            .Select(i => $"# Section {i}\n\nThis is what section {i} says about topic {i * 7}.")
            .ToList();
        knowledge.Write("a.md", string.Join("\n\n", sections), daysAgo: 3);
        await knowledge.RunAsync();
        var paid = embedder.Inputs;

        sections[20] = "# Section 20\n\nThis is something else altogether.";
        knowledge.Write("a.md", string.Join("\n\n", sections), daysAgo: 2);
        var report = await knowledge.RunAsync();

        Assert.Equal(1, report.Changed);
        Assert.InRange(report.Embedded, 1, 2);
        Assert.Equal(report.Embedded, embedder.Inputs - paid);
    }

    [Fact]
    public async Task A_moved_file_keeps_its_id_and_costs_no_embedding()
    {
        var embedder = new CountingEmbedder();
        using var knowledge = new Knowledge(Store, Time, embedder);
        knowledge.Write("old/a.md", "alpha beta gamma");
        await knowledge.RunAsync();
        var before = await knowledge.DocumentAsync("old/a.md");
        var paid = embedder.Inputs;

        Directory.Move(Path.Combine(knowledge.Folder, "old"), Path.Combine(knowledge.Folder, "new"));
        var report = await knowledge.RunAsync();

        Assert.Equal((1, 0, 0), (report.Moved, report.Added, report.Deleted));
        Assert.Equal(paid, embedder.Inputs);
        var after = Assert.Single(await knowledge.DocumentsAsync());
        Assert.Equal((before.Id, "new/a.md", 1), (after.Id, after.Name, after.Version));

        // The old place is free again and gets an id of its own.
        knowledge.Write("old/a.md", "something new");
        await knowledge.RunAsync();
        Assert.NotEqual(after.Id, (await knowledge.DocumentAsync("old/a.md")).Id);
    }

    [Fact]
    public async Task A_copy_costs_no_embedding()
    {
        var embedder = new CountingEmbedder();
        using var knowledge = new Knowledge(Store, Time, embedder);
        knowledge.Write("a.md", "alpha beta gamma");
        await knowledge.RunAsync();
        var paid = embedder.Inputs;

        knowledge.Write("b.md", "alpha beta gamma");
        var report = await knowledge.RunAsync();

        Assert.Equal((1, 0), (report.Added, report.Embedded));
        Assert.Equal(paid, embedder.Inputs);
    }

    [Fact]
    [Trait("Parity", "S73")]
    [Trait("Parity", "S102")]
    public async Task What_was_deleted_while_nothing_ran_is_gone_after_the_first_run_with_all_its_rows()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("keep.md", "alpha");
        knowledge.Write("prices.csv", "part,price\nboiler,120\npump,45\n");
        await knowledge.RunAsync();
        Assert.Equal(2, await knowledge.CountAsync(StoredKind.Rows));

        File.Delete(Path.Combine(knowledge.Folder, "prices.csv"));
        await using var otherProcess = await Store.ReopenAsync(Token);
        using var restarted = new Knowledge(otherProcess, Time, folder: knowledge.Folder);
        var report = await restarted.RunAsync();

        Assert.Equal(1, report.Deleted);
        Assert.Empty(await restarted.SearchAsync("boiler"));
        foreach (var kind in new[] { StoredKind.Documents, StoredKind.Versions, StoredKind.Chunks })
        {
            Assert.Equal(1, await restarted.CountAsync(kind));
        }

        Assert.Equal(0, await restarted.CountAsync(StoredKind.Rows));
    }

    [Fact]
    [Trait("Parity", "S76")]
    public async Task A_missing_folder_deletes_nothing()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("a.md", "alpha");
        await knowledge.RunAsync();
        var away = knowledge.Folder + "-unmounted";
        Directory.Move(knowledge.Folder, away);
        try
        {
            await Assert.ThrowsAsync<SlipwayException>(knowledge.RunAsync);
        }
        finally
        {
            Directory.Move(away, knowledge.Folder);
        }

        Assert.Equal(["a.md"], await knowledge.SearchAsync("alpha"));
    }

    [Fact]
    [Trait("Parity", "S76")]
    public async Task A_mass_disappearance_deletes_nothing_unless_it_is_confirmed()
    {
        using var knowledge = new Knowledge(Store, Time);
        for (var i = 0; i < 12; i++)
        {
            knowledge.Write($"{i}.md", $"document number {i}");
        }

        await knowledge.RunAsync();
        for (var i = 0; i < 12; i++)
        {
            File.Delete(Path.Combine(knowledge.Folder, $"{i}.md"));
        }

        var held = await knowledge.RunAsync();
        Assert.Equal((0, 12), (held.Deleted, held.HeldDeletes));
        Assert.Equal(12, (await knowledge.DocumentsAsync()).Count);

        using var confirmed = new Knowledge(
            Store,
            Time,
            options: new IngestionOptions { AllowMassDelete = true },
            folder: knowledge.Folder
        );
        Assert.Equal(12, (await confirmed.RunAsync()).Deleted);
        Assert.Empty(await confirmed.DocumentsAsync());
    }

    [Fact]
    [Trait("Parity", "S75")]
    public async Task An_unsupported_file_is_skipped_once_and_not_an_error()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("photo.png", [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 0]);

        var first = await knowledge.RunAsync();
        var second = await knowledge.RunAsync();

        Assert.Equal((1, 0), (first.Skipped, first.Errors.Count));
        Assert.Equal((0, 1, 0L), (second.Skipped, second.Resting, second.Bytes));
        var document = await knowledge.DocumentAsync("photo.png");
        Assert.Equal(DocumentState.Skipped, document.State);
        Assert.Contains("image/png", document.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_over_the_limit_is_quarantined_without_being_read_and_the_rest_goes_on()
    {
        using var knowledge = new Knowledge(Store, Time, options: new IngestionOptions { MaxBytes = 100 });
        knowledge.Write("huge.txt", new string('x', 101));
        knowledge.Write("small.txt", "small");

        var report = await knowledge.RunAsync();

        var error = Assert.Single(report.Errors);
        Assert.Equal(("huge.txt", ErrorClass.Permanent), (error.Name, error.Class));
        Assert.Contains("MaxBytes", error.Message, StringComparison.Ordinal);
        Assert.Equal(5, report.Bytes);
        Assert.Equal(DocumentState.Quarantined, (await knowledge.DocumentAsync("huge.txt")).State);
        Assert.Equal(["small.txt"], await knowledge.SearchAsync("small"));
    }

    [Fact]
    [Trait("Parity", "S100")]
    [Trait("Parity", "S101")]
    public async Task A_failed_embedding_keeps_the_old_version_answering_and_is_retried_when_due()
    {
        var embedder = new CountingEmbedder();
        using var knowledge = new Knowledge(Store, Time, embedder);
        knowledge.Write("a.md", "alpha", daysAgo: 3);
        await knowledge.RunAsync();

        knowledge.Write("a.md", "beta and more", daysAgo: 2);
        embedder.Fails = _ => new SlipwayException(ErrorClass.Transient, "The provider is overloaded.");
        var failed = await knowledge.RunAsync();

        Assert.Equal(ErrorClass.Transient, Assert.Single(failed.Errors).Class);
        Assert.Equal(["a.md"], await knowledge.SearchAsync("alpha"));
        var document = await knowledge.DocumentAsync("a.md");
        Assert.Equal((DocumentState.Failed, 1, 1), (document.State, document.Version, document.Attempts));
        var wait = document.NextActionAt!.Value - Time.GetUtcNow();
        Assert.InRange(wait.TotalSeconds, 22.5, 30);

        embedder.Fails = _ => null;
        Assert.Equal(1, (await knowledge.RunAsync()).Resting);
        Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(1, (await knowledge.RunAsync()).Changed);
        Assert.Equal(["a.md"], await knowledge.SearchAsync("beta"));
        Assert.Empty(await knowledge.SearchAsync("alpha"));
        Assert.Equal(0, (await knowledge.DocumentAsync("a.md")).Attempts);
    }

    [Fact]
    public async Task A_refused_credential_ends_the_run_and_what_was_paid_for_is_kept()
    {
        var embedder = new CountingEmbedder();
        using var knowledge = new Knowledge(
            Store,
            Time,
            embedder,
            options: new IngestionOptions { MaxConcurrency = 1, EmbeddingBatchSize = 1 }
        );
        knowledge.Write("a.md", "# One\n\nalpha\n\n# Two\n\nrefused here");
        embedder.Fails = input =>
            input.Contains("refused", StringComparison.Ordinal)
                ? new SlipwayException(ErrorClass.Authentication, "The key is not accepted.")
                : null;

        var error = await Assert.ThrowsAsync<SlipwayException>(knowledge.RunAsync);
        Assert.Equal(ErrorClass.Authentication, error.Class);
        var kept = await knowledge.CountAsync(StoredKind.Embeddings);
        Assert.Equal(embedder.Inputs, kept);

        embedder.Fails = _ => null;
        Assert.Equal(1, (await knowledge.RunAsync()).Added);
        Assert.Equal(await knowledge.CountAsync(StoredKind.Chunks), embedder.Inputs);
    }

    [Fact]
    public async Task Another_chunker_does_every_document_again()
    {
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("a.md", new string('a', 900));
        await knowledge.RunAsync();

        using var windows = new Knowledge(Store, Time, chunker: new FixedWindowChunker(), folder: knowledge.Folder);
        var report = await windows.RunAsync();

        Assert.Equal(1, report.Changed);
        Assert.Equal(3, (await windows.DocumentAsync("a.md")).Chunks);
    }

    [Fact]
    [Trait("Parity", "S105")]
    public async Task Two_engines_on_one_folder_and_file_publish_each_document_once()
    {
        using var one = new Knowledge(Store, Time);
        for (var i = 0; i < 40; i++)
        {
            one.Write($"{i}.md", $"document number {i} about topic {i % 5}");
        }

        await using var otherProcess = await Store.ReopenAsync(Token);
        using var two = new Knowledge(otherProcess, Time, folder: one.Folder);
        var reports = await Task.WhenAll(Task.Run(one.RunAsync, Token), Task.Run(two.RunAsync, Token));

        Assert.Equal(40, reports.Sum(report => report.Added));
        Assert.All(await one.DocumentsAsync(), document => Assert.Equal(1, document.Version));
        Assert.Equal(40, await one.CountAsync(StoredKind.Chunks));
    }

    [Fact]
    public async Task An_empty_folder_and_an_empty_file_are_no_errors()
    {
        using var knowledge = new Knowledge(Store, Time);
        Assert.Equal(0, (await knowledge.RunAsync()).Added);

        knowledge.Write("empty.md", "");
        var report = await knowledge.RunAsync();

        Assert.Equal((1, 0), (report.Added, report.Errors.Count));
        var document = await knowledge.DocumentAsync("empty.md");
        Assert.Equal((DocumentState.Published, 0), (document.State, document.Chunks));
        Assert.Equal("", (await Store.Documents.ReadTextAsync(Principal.Local, document.Id, Token))!.Text);
    }

    [Fact]
    [Trait("Parity", "S107")]
    public async Task All_stored_times_are_utc_of_the_given_clock()
    {
        Time.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(9), "test", "test"));
        using var knowledge = new Knowledge(Store, Time);
        knowledge.Write("a.md", "alpha");
        await knowledge.RunAsync();

        var document = await knowledge.DocumentAsync("a.md");
        Assert.Equal(Time.GetUtcNow(), document.PublishedAt);
        Assert.Equal(Time.GetUtcNow().AddDays(-1), document.ModifiedAt);
        Assert.Equal(Time.GetUtcNow(), Assert.Single(await LedgerAsync(document.Source)).SeenAt);
        Assert.Equal(1, await knowledge.CountAsync(StoredKind.Runs));
    }

    [Fact]
    public async Task A_new_index_is_made_with_the_analyser_of_the_options()
    {
        using var knowledge = new Knowledge(
            Store,
            Time,
            options: new IngestionOptions { Analyzer = AnalyzerOptions.Plain }
        );
        knowledge.Write("a.txt", "connections");
        await knowledge.RunAsync();

        Assert.Empty(await knowledge.SearchAsync("connection"));
        Assert.Equal(["a.txt"], await knowledge.SearchAsync("connections"));
    }

    [Theory]
    [InlineData(" \n\t \r\n ")]
    [InlineData("\u00A0\u3000\u2028")]
    public async Task Text_of_white_space_alone_is_kept_and_never_embedded(string text)
    {
        var embedder = new CountingEmbedder();
        foreach (var chunker in new IChunker[] { new StructureChunker(), new FixedWindowChunker(2) })
        {
            using var knowledge = new Knowledge(Store, Time, embedder, chunker);
            knowledge.Write("blank.txt", text);
            knowledge.Write("full.txt", "alpha" + text + "beta");

            var report = await knowledge.RunAsync();

            Assert.Empty(report.Errors);
            var document = await knowledge.DocumentAsync("blank.txt");
            Assert.Equal(DocumentState.Published, document.State);
            Assert.Equal(text, (await Store.Documents.ReadTextAsync(Principal.Local, document.Id, Token))!.Text);
            Assert.DoesNotContain("", embedder.Asked);
            Assert.DoesNotContain("blank.txt", await knowledge.SearchAsync("alpha"));
            await using var snapshot = await Store.Search.OpenSnapshotAsync(
                CollectionKey.Default,
                Principal.Local,
                Token
            );
            var nearest = await snapshot.SearchVectorsAsync("hashed-words;64", embedder.Vector("alpha"), 50, Token);
            Assert.NotEmpty(nearest);
            Assert.DoesNotContain(nearest, hit => hit.DocumentId == document.Id);
        }
    }

    [Fact]
    public async Task What_is_pushed_while_older_content_is_read_is_read_next()
    {
        var embedder = new CountingEmbedder();
        using var knowledge = new Knowledge(Store, Time, embedder);
        var id = await PushAsync("old words");
        embedder.Meanwhile = async () =>
        {
            embedder.Meanwhile = null;
            Time.Advance(TimeSpan.FromMinutes(10));
            await PushAsync("new words");
        };

        await knowledge.Inbox.ProcessAsync(Token);
        await knowledge.Inbox.ProcessAsync(Token);

        Assert.Equal("new words", (await Store.Documents.ReadTextAsync(Principal.Local, id, Token))!.Text);
        Assert.Equal(
            DocumentState.Published,
            (await knowledge.Inbox.GetStatusAsync(Principal.Local, id, Token))!.State
        );

        async Task<string> PushAsync(string text)
        {
            using var content = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text));
            return await knowledge.Inbox.AddAsync(content, new PushedDocument("a.txt"), null, Token);
        }
    }

    private async Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string source) =>
        await Store.Documents.ReadLedgerAsync(CollectionKey.Default, source, Token).ToListAsync(Token);
}
