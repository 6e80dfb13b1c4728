using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Slipway.Agents.Conversations.Internal;

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

        var parts = name.Split('/');
        if (
            parts.Length != 3
            || !int.TryParse(parts[1], CultureInfo.InvariantCulture, out var id)
            || !long.TryParse(parts[2], CultureInfo.InvariantCulture, out var startedAt)
        )
        {
            return false;
        }

        if (parts[0] != Host)
        {
            return age < LongestElsewhere;
        }

        try
        {
            using var process = Process.GetProcessById(id);
            return Math.Abs(Of(process).StartedAt - startedAt) <= ToleranceSeconds;
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
