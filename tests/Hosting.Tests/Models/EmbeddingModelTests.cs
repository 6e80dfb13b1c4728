using Slipway.Agents.Testing;
using Slipway.Hosting.Models;
using static Slipway.Agents.Testing.ScriptedReply;

namespace Slipway.Hosting.Tests.Models;

[Trait("Parity", "S95")]
public sealed class EmbeddingModelTests
{
    private readonly ImpatientTime _time = new();

    /// <summary>A text's vector tells its length.</summary>
    private static readonly ScriptedReply Lengths = Embed(text => [0, text.Length, 0, 0]) with
    {
        Usage = new() { InputTokenCount = 5 },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Texts_go_in_batches_and_vectors_come_in_order()
    {
        await using var server = await StartAsync(Lengths);
        using var model = OpenAICompatible.CreateEmbeddingGenerator(
            new()
            {
                BaseUrl = server.Url,
                BatchSize = 3,
                BatchCharacters = 10,
            },
            _time
        );

        // Lengths 1 to 12: three by count, then by characters, the last alone although it is too long.
        var vectors = await model.GenerateAsync(
            Enumerable.Range(1, 12).Select(length => new string('x', length)),
            cancellationToken: Cancellation
        );

        Assert.Equal(
            Enumerable.Range(1, 12).Select(length => (float)length),
            vectors.Select(vector => vector.Vector.Span[1])
        );
        Assert.Equal(
            [3, 2, 1, 1, 1, 1, 1, 1, 1],
            server.Requests.Select(request => request.Body.GetProperty("input").GetArrayLength())
        );
        Assert.Equal(9 * 5, vectors.Usage!.InputTokenCount);
        Assert.Equal("text-embedding-3-small", server.Requests[0].Model);
    }

    [Fact]
    public async Task No_text_needs_no_request()
    {
        await using var server = await StartAsync(Lengths);
        using var model = OpenAICompatible.CreateEmbeddingGenerator(new() { BaseUrl = server.Url }, _time);

        Assert.Empty(await model.GenerateAsync([], cancellationToken: Cancellation));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Only_the_batch_that_failed_is_sent_again()
    {
        await using var server = await StartAsync(Lengths, Refuse(429, retryAfter: TimeSpan.FromSeconds(2)), Lengths);
        using var model = OpenAICompatible.CreateEmbeddingGenerator(
            new() { BaseUrl = server.Url, BatchSize = 1 },
            _time
        );

        var vectors = await model.GenerateAsync(["a", "bb"], cancellationToken: Cancellation);

        Assert.Equal([1f, 2f], vectors.Select(vector => vector.Vector.Span[1]));
        Assert.Equal(3, server.Requests.Count);
        Assert.Contains(TimeSpan.FromSeconds(2), _time.Waits);
    }

    [Fact]
    public async Task Failures_name_the_settings_of_embeddings()
    {
        await using var server = await StartAsync(Refuse(401), Refuse(404), Raw("{\"data\":[]}", "application/json"));
        using var model = OpenAICompatible.CreateEmbeddingGenerator(new() { BaseUrl = server.Url }, _time);

        Assert.Contains("EMBEDDING_API_KEY", (await FailAsync()).Fix, StringComparison.Ordinal);
        Assert.Contains("EMBEDDING_MODEL_CHOICE", (await FailAsync()).Fix, StringComparison.Ordinal);
        Assert.Contains("EMBEDDING_BASE_URL", (await FailAsync()).Fix, StringComparison.Ordinal);

        async Task<SlipwayException> FailAsync() =>
            await Assert.ThrowsAsync<SlipwayException>(() =>
                model.GenerateAsync(["a"], cancellationToken: Cancellation)
            );
    }

    [Fact, Trait("Tier", "fast")]
    public void Sizes_must_be_positive() =>
        Assert.Contains(
            "1 or more",
            Assert.Single(new EmbeddingOptions { ApiKey = "k", BatchSize = 0 }.Validate()),
            StringComparison.Ordinal
        );

    private static Task<ScriptedModelServer> StartAsync(params ScriptedReply[] replies) =>
        ScriptedModelServer.StartAsync(new ScriptedModelServerOptions { Embeddings = InOrder(replies) });
}
