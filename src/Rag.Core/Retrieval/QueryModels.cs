using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Slipway.Rag.Embedding;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval;

/// <summary>A model that embeds queries.</summary>
internal sealed record QueryModel(IEmbeddingGenerator<string, Embedding<float>> Generator, string Fingerprint);

/// <summary>Which model a query is embedded by: the one whose vectors answer in the collection. Thread-safe.</summary>
internal sealed class QueryModels(
    IEmbeddingGenerator<string, Embedding<float>>? current,
    IEmbeddingGenerator<string, Embedding<float>>? previous
)
{
    private readonly QueryModel? _current = Name(current);
    private readonly QueryModel? _previous = Name(previous);

    /// <summary>Collections in which the model before was seen to answer.</summary>
    private readonly ConcurrentDictionary<CollectionKey, bool> _behind = new();

    /// <summary>The model that answered last; null when there is none.</summary>
    public QueryModel? Expected(CollectionKey collection) => _behind.ContainsKey(collection) ? _previous : _current;

    /// <summary>Takes note of whose vectors answer, which are not those that a query was embedded for.</summary>
    /// <returns>Whether that model can be asked here.</returns>
    public bool Answers(CollectionKey collection, string? fingerprint)
    {
        if (fingerprint is not null && fingerprint == _current?.Fingerprint)
        {
            _behind.TryRemove(collection, out _);
            return true;
        }

        if (fingerprint is not null && fingerprint == _previous?.Fingerprint)
        {
            _behind[collection] = true;
            return true;
        }

        return false;
    }

    private static QueryModel? Name(IEmbeddingGenerator<string, Embedding<float>>? generator) =>
        generator is null ? null : new QueryModel(generator, EmbeddingModel.Fingerprint(generator));
}
