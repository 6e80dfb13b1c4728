using Slipway.Rag.Ingestion;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>Another embedding model: its vectors are made beside those that answer, and take over when they are complete.</summary>
/// <param name="open">Opens the store under test.</param>
public abstract class EmbeddingGenerationSuite(OpenStore open) : StoreSuite(open)
{
    private const int Documents = 12;

    private readonly CountingEmbedder _old = new("old");
    private readonly CountingEmbedder _new = new("new", 32);
    private Knowledge _before = null!;
    private Knowledge _after = null!;

    private ValueTask<EmbeddingGeneration> Generation =>
        Store.Documents.ReadEmbeddingGenerationAsync(CollectionKey.Default, Token);

    /// <inheritdoc/>
    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _before = new Knowledge(Store, Time, _old);
        _after = new Knowledge(Store, Time, _new, folder: _before.Folder, options: new() { EmbeddingBatchSize = 4 });
        for (var i = 0; i < Documents; i++)
        {
            _before.Write($"{i:D2}.md", $"# Pump {i}\n\nThe valve of pump {i} leaks.\n");
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _after?.Dispose();
        _before?.Dispose();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task The_first_model_answers_at_once()
    {
        Assert.Equal(new EmbeddingGeneration(null, false), await Generation);
        await _before.RunAsync();

        Assert.Equal(new EmbeddingGeneration("old;64", false), await Generation);
        Assert.True(await HasVectorsAsync(_old));
    }

    [Fact]
    public async Task Another_model_embeds_the_chunks_there_are_and_nothing_is_read_again()
    {
        await _before.RunAsync();

        var report = await _after.RunAsync();

        Assert.Equal((0L, 0, Documents), (report.Bytes, report.Changed, report.Unchanged));
        Assert.Equal((Documents, Documents), (report.Embedded, _new.Inputs));
        Assert.All(await _after.DocumentsAsync(), document => Assert.Equal(1, document.Version));
        Assert.Equal("new;32", (await Generation).Model);
        Assert.True(await HasVectorsAsync(_new));
        Assert.Equal(0, (await _after.RunAsync()).Embedded);
        Assert.False((await Generation).MayHaveGaps);
        Assert.Equal(Documents, _old.Inputs);
    }

    [Fact]
    public async Task Until_it_is_complete_the_model_before_answers_and_what_was_paid_for_is_kept()
    {
        await _before.RunAsync();
        _new.Fails = input =>
            input.Contains("pump 7", StringComparison.Ordinal)
                ? new SlipwayException(ErrorClass.Transient, "The provider is overloaded.")
                : null;
        var failed = await _after.RunAsync();

        Assert.Equal(ErrorClass.Transient, Assert.Single(failed.Errors).Class);
        Assert.Equal("old;64", (await Generation).Model);
        Assert.True(await HasVectorsAsync(_new, previous: _old));
        Assert.False(await HasVectorsAsync(_new));
        var result = await Retrieval(_new).RetrieveAsync(Request, Token);
        Assert.NotEmpty(result);
        Assert.Contains("'new;32'", result.Note, StringComparison.Ordinal);

        _new.Fails = _ => null;
        var report = await _after.RunAsync();
        Assert.Empty(report.Errors);
        Assert.Equal("new;32", (await Generation).Model);
        Assert.True(await HasVectorsAsync(_new, previous: _old));

        // Of the batch that failed, at most three were answered and not kept.
        Assert.InRange(_new.Asked.Count(text => text.StartsWith("Pump", StringComparison.Ordinal)) - Documents, 0, 3);
        Assert.InRange(report.Embedded, 4, Documents);
    }

    [Fact]
    public async Task A_query_asks_the_model_whose_vectors_answer()
    {
        await _before.RunAsync();
        var retrieval = Retrieval(_new, _old);
        await retrieval.RetrieveAsync(Request, Token);
        var (asked, old) = (_new.Inputs, _old.Inputs);

        await retrieval.RetrieveAsync(Request, Token);
        Assert.Equal((asked, old + 1), (_new.Inputs, _old.Inputs)); // it has learnt which one

        await _after.RunAsync();
        Assert.All(await retrieval.RetrieveAsync(Request, Token), passage => Assert.NotNull(passage.VectorScore));
        (asked, old) = (_new.Inputs, _old.Inputs);
        await retrieval.RetrieveAsync(Request, Token);
        Assert.Equal((asked + 1, old), (_new.Inputs, _old.Inputs));
    }

    [Fact]
    public async Task What_was_searched_by_words_alone_gets_its_vectors()
    {
        using (var words = new Knowledge(Store, Time, folder: _before.Folder))
        {
            await words.RunAsync();
        }

        Assert.Null((await Generation).Model);
        var report = await _before.RunAsync();

        Assert.Equal((0L, Documents), (report.Bytes, report.Embedded));
        Assert.Equal("old;64", (await Generation).Model);
        Assert.True(await HasVectorsAsync(_old));
    }

    [Fact]
    public async Task What_another_model_published_meanwhile_is_a_gap_that_the_next_run_closes()
    {
        await _before.RunAsync();
        await _before.RunAsync();
        _before.Write("late.md", "A gasket is late.\n");
        using (var other = new Knowledge(Store, Time, folder: _before.Folder))
        {
            await other.RunAsync();
        }

        Assert.Equal(new EmbeddingGeneration("old;64", true), await Generation);
        Assert.Equal(1, (await _before.RunAsync()).Embedded);
        Assert.Equal(new EmbeddingGeneration("old;64", false), await Generation);
        var passage = (await Retrieval(_old).RetrieveAsync(Request with { Query = "gasket late" }, Token))[0];
        Assert.Equal("late.md", passage.Name);
        Assert.NotNull(passage.VectorScore);
    }

    [Fact]
    public async Task What_the_model_refuses_for_good_holds_nobody_up()
    {
        await _before.RunAsync();
        _new.Fails = input =>
            input.Contains("pump 7", StringComparison.Ordinal)
                ? new SlipwayException(ErrorClass.Permanent, "This text is not accepted.")
                : null;

        var report = await _after.RunAsync();

        Assert.Contains("not accepted", Assert.Single(report.Errors).Message, StringComparison.Ordinal);
        Assert.Equal(Documents - 1, report.Embedded);
        Assert.Equal("new;32", (await Generation).Model);
        Assert.Contains("07.md", await _after.SearchAsync("pump 7"));
    }

    [Fact]
    public async Task Two_that_never_agree_do_not_embed_for_ever()
    {
        await _before.RunAsync();
        await _before.RunAsync(); // it has seen its model answer
        await _after.RunAsync();
        await _after.RunAsync();

        await _before.RunAsync();
        Assert.Equal("new;32", (await Generation).Model);

        // Started again with the model before, it goes back, and pays for nothing.
        using var again = new Knowledge(Store, Time, _old, folder: _before.Folder);
        Assert.Equal(0, (await again.RunAsync()).Embedded);
        Assert.Equal("old;64", (await Generation).Model);
        Assert.True(await HasVectorsAsync(_old));
    }

    [Theory]
    [InlineData(nameof(IngestionOptions.MaxRunCost))]
    [InlineData(nameof(IngestionOptions.MaxRunTime))]
    public async Task A_run_whose_documents_used_up_what_it_may_leaves_the_change_to_the_next_one(string limit)
    {
        await _before.RunAsync();
        _before.Write("late.md", "A gasket is late.\n");
        var options = new IngestionOptions
        {
            EmbeddingPrice = 1_000_000, // a token costs 1
            MaxRunCost = limit == nameof(IngestionOptions.MaxRunCost) ? 1 : null,
            MaxRunTime = limit == nameof(IngestionOptions.MaxRunTime) ? TimeSpan.FromSeconds(30) : null,
        };
        _new.Meanwhile = () =>
        {
            Time.Advance(TimeSpan.FromMinutes(1));
            return Task.CompletedTask;
        };
        using var limited = new Knowledge(Store, Time, _new, folder: _before.Folder, options: options);

        var report = await limited.RunAsync();

        Assert.Equal((limit, 1, 1, 1), (report.Stopped, report.Added, report.Embedded, _new.Inputs));
        Assert.Equal("old;64", (await Generation).Model);

        report = await limited.RunAsync(); // nothing but the change: it ends within the run
        Assert.Equal((null, Documents), (report.Stopped, report.Embedded));
        Assert.Equal("new;32", (await Generation).Model);
    }

    [Fact]
    public async Task A_plan_says_what_a_change_of_model_takes_and_changes_nothing()
    {
        Assert.Null(await PlanAsync(_before));
        await _before.RunAsync();
        Assert.Null(await PlanAsync(_before));

        var plan = await PlanAsync(_after);

        Assert.Equal(("new;32", "old;64", Documents), (plan!.Model, plan.Answering, plan.Chunks));
        Assert.True(plan.IsChange);
        Assert.Equal((plan, 0), (await PlanAsync(_after), _new.Inputs));
        Assert.Equal("old;64", (await Generation).Model);
        Assert.Equal(plan.EstimatedTokens, (await _after.RunAsync()).EmbeddedTokens);
        Assert.Null(await PlanAsync(_after));
        Assert.Equal(new EmbeddingPlan("old;64", "new;32", 0, 0), await PlanAsync(_before)); // back again costs nothing
    }

    [Fact]
    public async Task A_plan_says_what_has_no_vector_at_all()
    {
        using var words = new Knowledge(Store, Time, folder: _before.Folder);
        await words.RunAsync();

        Assert.Null(await PlanAsync(words));
        var plan = await PlanAsync(_before);
        Assert.Equal((null, Documents, true), (plan!.Answering, plan.Chunks, plan.IsChange));

        await _before.RunAsync();
        _before.Write("late.md", "A gasket is late.\n");
        await words.RunAsync();
        plan = await PlanAsync(_before);
        Assert.Equal(("old;64", 1, false), (plan!.Answering, plan.Chunks, plan.IsChange));
    }

    [Fact]
    public async Task Missing_embeddings_are_read_in_pages_each_text_once()
    {
        _before.Write("copy.md", "# Pump 3\n\nThe valve of pump 3 leaks.\n");
        _before.Write("blank.md", "\n\n");
        await _before.RunAsync();

        var found = new List<UnembeddedChunk>();
        for (var after = ""; ; after = found[^1].ContentHash)
        {
            var page = await Store.Documents.FindUnembeddedAsync(CollectionKey.Default, "new;32", after, 5, Token);
            Assert.True(page.Count <= 5);
            if (page.Count == 0)
            {
                break;
            }

            found.AddRange(page);
        }

        Assert.Equal(Documents, found.Count);
        Assert.All(found, chunk => Assert.Equal(ChunkIdentity.Hash(chunk.Input), chunk.ContentHash));
        Assert.Equal(
            found.Select(chunk => chunk.ContentHash).Order(StringComparer.Ordinal),
            found.Select(c => c.ContentHash)
        );
        Assert.Empty(await Store.Documents.FindUnembeddedAsync(CollectionKey.Default, "old;64", "", 5, Token));
        Assert.Empty(await Store.Documents.FindUnembeddedAsync(new("default", "other"), "new;32", "", 5, Token));
    }

    private static Task<EmbeddingPlan?> PlanAsync(Knowledge knowledge) =>
        knowledge.Pipeline.PlanEmbeddingsAsync(CollectionKey.Default, Token);

    private static RetrievalRequest Request => new() { Query = "valve of pump 5 leaks", Principal = Principal.Local };

    private RetrievalPipeline Retrieval(CountingEmbedder model, CountingEmbedder? previous = null) =>
        new(Store.Search, model, previous: previous);

    private async Task<bool> HasVectorsAsync(CountingEmbedder model, CountingEmbedder? previous = null)
    {
        var passages = await Retrieval(model, previous).RetrieveAsync(Request, Token);
        Assert.Equal("05.md", passages[0].Name);
        Assert.Single(passages.Select(passage => passage.VectorScore is null).Distinct());
        return passages[0].VectorScore is not null;
    }
}
