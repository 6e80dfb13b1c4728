using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Slipway.Internal;

/// <summary>
/// Names a process so that another one, or the next one under the same number, can tell whether it still runs: host, process id and
/// start.
/// </summary>
internal sealed record ProcessIdentity(string Host, int Id, long StartedAt)
{
    // The start is computed from the boot time in clock ticks; two readers of the same process differ by some milliseconds.
    private const long ToleranceSeconds = 2;

    // Another host's processes cannot be asked. No turn runs that long.
    private static readonly TimeSpan LongestElsewhere = TimeSpan.FromHours(1);

    public static ProcessIdentity Current { get; } = Of(Process.GetCurrentProcess());

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}/{Id}/{StartedAt}");

    /// <summary>Whether the named process may still be at work that it began <paramref name="age"/> ago.</summary>
    public bool MayBeAlive(string name, TimeSpan age)
    {
        if (name == ToString())
        {
            return true;
        }

        return Parse(name) is { } process && (process.Host == Host ? process.Runs() : age < LongestElsewhere);
    }

    /// <summary>
    /// Whether the named process ran on this host and runs no more. Of another host's, and of what is no name of a process, nothing is known:
    /// false. What follows the name after a further <c>/</c> is the process's own business.
    /// </summary>
    public bool IsGone(string name) =>
        Parse(string.Join('/', name.Split('/').Take(3))) is { } process && process.Host == Host && !process.Runs();

    private static ProcessIdentity? Parse(string name) =>
        name.Split('/') is [var host, var first, var second]
        && int.TryParse(first, CultureInfo.InvariantCulture, out var id)
        && long.TryParse(second, CultureInfo.InvariantCulture, out var startedAt)
            ? new ProcessIdentity(host, id, startedAt)
            : null;

    private bool Runs()
    {
        try
        {
            using var process = Process.GetProcessById(Id);
            return Math.Abs(Of(process).StartedAt - StartedAt) <= ToleranceSeconds;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return false;
        }
        catch (Win32Exception)
        {
            return true; // it runs, under another user
        }
    }

    private static ProcessIdentity Of(Process process) =>
        new(
            Environment.MachineName.Replace('/', '-'),
            process.Id,
            new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeSeconds()
        );
}
