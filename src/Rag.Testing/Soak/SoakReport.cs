using System.Globalization;

namespace Slipway.Rag.Testing;

/// <summary>How often each kind of work was done side by side, and how long it took.</summary>
internal sealed class SoakReport
{
    private readonly SortedDictionary<string, List<double>> _milliseconds = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>Publications that another publisher or a delete overtook; they are told so and look again.</summary>
    public int Conflicts { get; private set; }

    /// <summary>How long the run took.</summary>
    public TimeSpan Duration { get; set; }

    public int Count(string work) => _milliseconds.GetValueOrDefault(work)?.Count ?? 0;

    public void Add(string work, TimeSpan elapsed)
    {
        lock (_lock)
        {
            if (!_milliseconds.TryGetValue(work, out var times))
            {
                _milliseconds[work] = times = [];
            }

            times.Add(elapsed.TotalMilliseconds);
        }
    }

    public void AddConflict()
    {
        lock (_lock)
        {
            Conflicts++;
        }
    }

    /// <summary>A line for each kind of work.</summary>
    public IEnumerable<string> Lines()
    {
        foreach (var (work, times) in _milliseconds)
        {
            var sorted = times.Order().ToArray();
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"| {work} | {sorted.Length} | {sorted.Length / Duration.TotalSeconds:F1} | {At(.5):F1} | {At(.95):F1} | {sorted[^1]:F0} |"
            );

            double At(double share) => sorted[(int)(share * (sorted.Length - 1))];
        }
    }
}
