using System.Globalization;
using Slipway.Rag.Ingestion;

namespace Slipway.Hosting;

/// <summary>
/// Shows how far a run is: a bar with the time left on a terminal, a plain line for every tenth of the way elsewhere.
/// </summary>
/// <remarks>Thread-safe. Writes to one writer, normally the standard error stream, so that standard output stays the program's own.</remarks>
public sealed class ConsoleIngestionProgress : IProgress<IngestionProgress>
{
    private const int BarWidth = 28;

    /// <summary>A terminal is redrawn at most this often.</summary>
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly TextWriter _output;
    private readonly bool _isTerminal;
    private readonly TimeProvider _time;
    private readonly long _start;
    private long _drawn;
    private int _tenths;
    private int _highest;
    private int _length;

    /// <summary>Creates the display.</summary>
    /// <param name="output">Where it is written; not disposed.</param>
    /// <param name="isTerminal">Whether a line may be drawn over.</param>
    /// <param name="timeProvider">The clock.</param>
    public ConsoleIngestionProgress(TextWriter output, bool isTerminal, TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        _output = output;
        _isTerminal = isTerminal;
        _time = timeProvider;
        _start = timeProvider.GetTimestamp();
    }

    /// <summary>The display on the standard error stream.</summary>
    public static ConsoleIngestionProgress OnStandardError(TimeProvider timeProvider) =>
        new(Console.Error, !Console.IsErrorRedirected, timeProvider);

    /// <inheritdoc />
    public void Report(IngestionProgress value)
    {
        lock (_gate)
        {
            if (value.Done <= _highest || value.Total == 0)
            {
                return; // workers report out of order
            }

            _highest = value.Done;
            if (_isTerminal)
            {
                Draw(value);
            }
            else if (value.Done * 10 / value.Total is var tenths && tenths > _tenths)
            {
                _tenths = tenths;
                _output.WriteLine(Invariant($"Reading documents: {value.Done} of {value.Total}"));
            }
        }
    }

    private void Draw(IngestionProgress value)
    {
        var isLast = value.Done == value.Total;
        if (!isLast && _drawn != 0 && _time.GetElapsedTime(_drawn) < Redraw)
        {
            return;
        }

        _drawn = _time.GetTimestamp();
        var elapsed = _time.GetElapsedTime(_start);
        var filled = BarWidth * value.Done / value.Total;
        var left = elapsed / value.Done * (value.Total - value.Done);
        var line = Invariant(
            $"Reading documents [{new string('#', filled)}{new string('.', BarWidth - filled)}] {value.Done}/{value.Total}"
        );
        line += isLast
            ? Invariant($" in {elapsed.TotalSeconds:0.0} s")
            : Invariant($" {Math.Ceiling(left.TotalSeconds):0} s left");
        _output.Write('\r' + line.PadRight(_length));
        _length = line.Length;
        if (isLast)
        {
            _output.WriteLine();
        }

        _output.Flush();
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
