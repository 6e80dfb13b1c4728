using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Hosting.Models;

namespace Slipway.Hosting.Tests.Models;

[Trait("Tier", "fast")]
[Trait("Parity", "S30")]
public sealed class ModelHealthTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_last_call_counts(bool stream)
    {
        var health = new ModelHealth(_time);
        var inner = new SwitchedClient();
        using var client = new WatchedChatClient(inner, health);
        Assert.Null(health.Failure);

        inner.Failure = new SlipwayException(ErrorClass.Transient, "Out.");
        await Assert.ThrowsAsync<SlipwayException>(() => AskAsync(client, stream));
        Assert.Equal("Out.", health.Failure);

        // Somebody stopping an answer says nothing about the model.
        inner.Failure = new OperationCanceledException();
        await Assert.ThrowsAsync<OperationCanceledException>(() => AskAsync(client, stream));
        Assert.Equal("Out.", health.Failure);

        inner.Failure = null;
        Assert.Equal("Fine.", await AskAsync(client, stream));
        Assert.Null(health.Failure);
    }

    [Fact]
    public async Task An_old_failure_is_forgotten()
    {
        var health = new ModelHealth(_time);
        using var client = new WatchedChatClient(
            new SwitchedClient { Failure = new TimeoutException("Late.") },
            health
        );
        await Assert.ThrowsAsync<TimeoutException>(() => AskAsync(client, stream: false));
        _time.Advance(ModelHealth.Memory);
        Assert.Null(health.Failure);
    }

    private static async Task<string> AskAsync(WatchedChatClient client, bool stream) =>
        (
            stream
                ? await client.GetStreamingResponseAsync("Well?", null, Token).ToChatResponseAsync(Token)
                : await client.GetResponseAsync("Well?", null, Token)
        ).Text;

    private sealed class SwitchedClient : IChatClient
    {
        public Exception? Failure { get; set; }

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default
        )
        {
            await Task.Yield();
            if (Failure is not null)
            {
                throw Failure;
            }

            yield return new(ChatRole.Assistant, "Fine.");
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
