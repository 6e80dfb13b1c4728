using Microsoft.Extensions.AI;
using Slipway.Rag.Embedding;
using Slipway.Rag.Retrieval;

namespace Slipway.Rag.Testing;

/// <summary>Retrieval over the store: both legs, fused, and what happens when the model fails.</summary>
public abstract class RetrievalSuite(OpenStore open) : StoreSuite(open)
{
    [Fact]
    public async Task Without_a_model_the_words_alone_decide()
    {
        await Corpus.PublishAsync("a", "the boiler leaks");
        await Corpus.PublishAsync("b", "the pump hums");

        var result = await RetrieveAsync("Why does the boiler leak?", null);

        var passage = Assert.Single(result);
        Assert.Equal(Corpus.Id("a"), passage.Reference.DocumentId);
        Assert.NotNull(passage.LexicalScore);
        Assert.Null(passage.VectorScore);
        Assert.Null(result.Note);
    }

    [Fact]
    public async Task With_a_model_both_legs_find_and_the_scores_say_which()
    {
        await Corpus.PublishAsync("a", "boiler valve");
        await Corpus.PublishAsync("b", "pump");
        using var model = new WordModel();

        var result = await RetrieveAsync("boiler", model);

        Assert.Equal(Corpus.Id("a"), result[0].Reference.DocumentId);
        Assert.Equal(1, result[0].Score, 6);
        Assert.NotNull(result[0].LexicalScore);
        Assert.NotNull(result[0].VectorScore);
        var other = result.Single(passage => passage.Reference.DocumentId == Corpus.Id("b"));
        Assert.Null(other.LexicalScore);
        Assert.NotNull(other.VectorScore);
    }

    [Fact, Trait("Parity", "S45")]
    public async Task A_model_that_cannot_be_reached_is_said_and_the_words_go_on()
    {
        await Corpus.PublishAsync("a", "boiler");
        using var model = new WordModel(() => throw new HttpRequestException("no route to host"));

        var result = await RetrieveAsync("boiler", model);

        Assert.Single(result);
        Assert.Null(result[0].VectorScore);
        Assert.Contains("'words' could not be asked", result.Note, StringComparison.Ordinal);
    }

    [Fact, Trait("Parity", "S45")]
    public async Task It_is_an_error_when_words_alone_are_not_enough()
    {
        await Corpus.PublishAsync("a", "boiler");
        using var model = new WordModel(() => throw new HttpRequestException("no route to host"));

        var exception = await Assert.ThrowsAsync<SlipwayException>(() =>
            RetrieveAsync("boiler", model, new RetrievalOptions { LexicalWhenEmbeddingFails = false })
        );

        Assert.Equal(ErrorClass.Transient, exception.Class);
        Assert.Contains("no route to host", exception.Message, StringComparison.Ordinal);
    }

    [Theory, Trait("Parity", "S45")]
    [InlineData(ErrorClass.Authentication)]
    [InlineData(ErrorClass.Configuration)]
    public async Task A_wrong_key_or_setting_is_an_error_in_any_case(ErrorClass errorClass)
    {
        await Corpus.PublishAsync("a", "boiler");
        using var model = new WordModel(() => throw new SlipwayException(errorClass, "refused"));

        var exception = await Assert.ThrowsAsync<SlipwayException>(() => RetrieveAsync("boiler", model));

        Assert.Equal("refused", exception.Message);
    }

    [Theory, Trait("Parity", "S45")]
    [InlineData(0f)]
    [InlineData(float.NaN)]
    public async Task A_vector_without_direction_is_never_searched_with(float component)
    {
        await Corpus.PublishAsync("a", "boiler");
        var vector = new float[WordVectors.Dimensions];
        Array.Fill(vector, component);
        using var model = new WordModel(() => vector);

        var result = await RetrieveAsync("pump", model);
        Assert.Empty(result);
        Assert.NotNull(result.Note);

        var options = new RetrievalOptions { LexicalWhenEmbeddingFails = false };
        await Assert.ThrowsAsync<SlipwayException>(() => RetrieveAsync("pump", model, options));
    }

    [Fact]
    public async Task Cancelling_is_not_taken_for_a_failing_model()
    {
        using var source = new CancellationTokenSource();
        using var model = new WordModel(() =>
        {
            source.Cancel();
            source.Token.ThrowIfCancellationRequested();
            return [];
        });
        var pipeline = new RetrievalPipeline(Store.Search, model);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await pipeline.RetrieveAsync(new RetrievalRequest { Query = "x", Principal = Corpus.Anna }, source.Token)
        );
    }

    [Fact, Trait("Parity", "S113")]
    public async Task A_model_of_another_dimension_is_an_error_not_a_worse_answer()
    {
        await Corpus.PublishAsync("a", "boiler");
        using var model = new WordModel(() => [1, 2, 3]);

        var exception = await Assert.ThrowsAsync<SlipwayException>(() => RetrieveAsync("boiler", model));

        Assert.Equal(ErrorClass.Configuration, exception.Class);
    }

    [Fact]
    public async Task Copies_of_a_document_do_not_fill_the_result()
    {
        for (var i = 0; i < 8; i++)
        {
            await Corpus.PublishAsync($"copy{i}", "boiler boiler boiler");
        }

        await Corpus.PublishAsync("other", "a boiler with other words around it");

        var result = await RetrieveAsync("boiler", null, count: 2);

        var copy = Enumerable.Range(0, 8).Select(i => Corpus.Id($"copy{i}")).Min(StringComparer.Ordinal)!;
        Assert.Equal([copy, Corpus.Id("other")], result.Select(passage => passage.Reference.DocumentId));
    }

    [Fact]
    public async Task Nothing_is_asked_when_nothing_is_said()
    {
        using var model = new WordModel(() => throw new InvalidOperationException("must not be asked"));

        Assert.Empty(await RetrieveAsync("  ", model, new RetrievalOptions { LexicalWhenEmbeddingFails = false }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => RetrieveAsync("x", null, count: 0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => RetrieveAsync("x", null, count: 1001));
    }

    [Fact]
    public async Task The_constants_of_bm25_reach_the_index()
    {
        await Corpus.PublishAsync("long", "boiler boiler boiler and very many other words that make the text long");
        await Corpus.PublishAsync("short", "boiler");

        var noLength = new RetrievalOptions
        {
            Bm25 = new() { K1 = 2, B = 0 },
        };
        var noFrequency = new RetrievalOptions
        {
            Bm25 = new() { K1 = 2, B = 1 },
        };

        Assert.Equal(Corpus.Id("long"), (await RetrieveAsync("boiler", null, noLength))[0].Reference.DocumentId);
        Assert.Equal(Corpus.Id("short"), (await RetrieveAsync("boiler", null, noFrequency))[0].Reference.DocumentId);
    }

    private async Task<RetrievalResult> RetrieveAsync(
        string query,
        WordModel? model,
        RetrievalOptions? options = null,
        int count = 8
    ) =>
        await new RetrievalPipeline(Store.Search, model, options).RetrieveAsync(
            new RetrievalRequest
            {
                Query = query,
                Count = count,
                Principal = Corpus.Anna,
            },
            Token
        );

    private sealed class WordModel(Func<float[]>? answer = null) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values,
            EmbeddingGenerationOptions? options = null,
            CancellationToken cancellationToken = default
        ) =>
            Task.FromResult(
                new GeneratedEmbeddings<Embedding<float>>(
                    values.Select(value => new Embedding<float>(answer is null ? WordVectors.Of(value) : answer()))
                )
            );

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata)
                ? new EmbeddingGeneratorMetadata("test", defaultModelId: Corpus.Model)
                : null;

        public void Dispose() { }
    }
}
