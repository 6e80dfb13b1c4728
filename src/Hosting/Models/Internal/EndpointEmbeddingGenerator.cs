using Microsoft.Extensions.AI;

namespace Slipway.Hosting.Models.Internal;

/// <summary>An endpoint's embedding model: any number of texts, in batches and in order.</summary>
internal sealed class EndpointEmbeddingGenerator(
    IEmbeddingGenerator<string, Embedding<float>> inner,
    ModelEndpoint endpoint,
    EmbeddingOptions options,
    HttpClient connections
) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values,
        EmbeddingGenerationOptions? generationOptions = null,
        CancellationToken cancellationToken = default
    )
    {
        GeneratedEmbeddings<Embedding<float>> all = [];
        foreach (var batch in Batches(values))
        {
            using Silence silence = new(endpoint, cancellationToken);
            var embedded = await silence
                .WatchAsync(() => base.GenerateAsync(batch, generationOptions, silence.Token))
                .ConfigureAwait(false);
            if (embedded.Count != batch.Count)
            {
                throw endpoint.NotUnderstood();
            }

            all.AddRange(embedded);
            (all.Usage ??= new()).Add(embedded.Usage ?? new());
        }

        return all;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            connections.Dispose();
        }
    }

    private IEnumerable<List<string>> Batches(IEnumerable<string> values)
    {
        List<string> batch = [];
        var characters = 0;
        foreach (var value in values)
        {
            if (
                batch.Count > 0
                && (batch.Count >= options.BatchSize || characters + value.Length > options.BatchCharacters)
            )
            {
                yield return batch;
                batch = [];
                characters = 0;
            }

            batch.Add(value);
            characters += value.Length;
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }
}
