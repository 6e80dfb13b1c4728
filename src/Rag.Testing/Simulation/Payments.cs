using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>What the model was paid for. What is kept is never paid again, and nobody has more than one batch that is not kept yet.</summary>
internal sealed class Payments(int batch)
{
    private readonly Dictionary<string, int> _kept = [];

    /// <summary>Texts that were embedded, repeated ones included.</summary>
    public int Count { get; private set; }

    /// <summary>The model has embedded texts.</summary>
    public void Pay(SimulatedWorker worker, IReadOnlyCollection<string> texts)
    {
        if (texts.Count > batch || worker.Memory.Unsaved.Count > 0)
        {
            throw new SimulationException(
                $"{texts.Count} texts were paid for, with {worker.Memory.Unsaved.Count} not kept."
            );
        }

        Count += texts.Count;
        foreach (var text in texts)
        {
            var hash = ChunkIdentity.Hash(text);
            if (!worker.Memory.Asked.TryGetValue(hash, out var asked))
            {
                throw new SimulationException($"'{text}' was paid for, and nobody asked whether that was done.");
            }

            if (_kept.TryGetValue(hash, out var kept) && kept < asked)
            {
                throw new SimulationException($"'{text}' was paid for twice.");
            }

            worker.Memory.Unsaved.Add(hash);
        }
    }

    public void Keep(SimulatedWorker worker, IEnumerable<string> hashes, int step)
    {
        foreach (var hash in hashes)
        {
            worker.Memory.Unsaved.Remove(hash);
            _kept.TryAdd(hash, step);
        }
    }
}
