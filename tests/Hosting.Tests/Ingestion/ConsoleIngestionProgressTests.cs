using Microsoft.Extensions.Time.Testing;
using Slipway.Rag.Ingestion;

namespace Slipway.Hosting.Tests.Ingestion;

[Trait("Tier", "fast")]
public sealed class ConsoleIngestionProgressTests
{
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Elsewhere_than_on_a_terminal_it_writes_a_line_for_every_tenth()
    {
        var progress = new ConsoleIngestionProgress(_output, isTerminal: false, _time);
        for (var done = 1; done <= 100; done++)
        {
            progress.Report(new IngestionProgress(done, 100, "a.md"));
        }

        var lines = _output.ToString().TrimEnd().Split('\n');
        Assert.Equal(10, lines.Length);
        Assert.Equal("Reading documents: 10 of 100", lines[0]);
        Assert.Equal("Reading documents: 100 of 100", lines[^1]);
    }

    [Fact]
    public void On_a_terminal_it_draws_one_line_with_the_time_left()
    {
        var progress = new ConsoleIngestionProgress(_output, isTerminal: true, _time);
        _time.Advance(TimeSpan.FromSeconds(2));
        progress.Report(new IngestionProgress(1, 4, "a.md"));
        _time.Advance(TimeSpan.FromSeconds(2));
        progress.Report(new IngestionProgress(4, 4, "d.md"));

        var frames = _output.ToString().Split('\r', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, frames.Length);
        Assert.EndsWith("] 1/4 6 s left", frames[0], StringComparison.Ordinal);
        Assert.EndsWith("] 4/4 in 4.0 s\n", frames[1], StringComparison.Ordinal);
        Assert.DoesNotContain('\n', frames[0]);
    }

    [Fact]
    public void Reports_that_come_late_or_in_quick_succession_are_not_drawn()
    {
        var progress = new ConsoleIngestionProgress(_output, isTerminal: true, _time);
        progress.Report(new IngestionProgress(2, 9, null));
        progress.Report(new IngestionProgress(1, 9, null));
        progress.Report(new IngestionProgress(3, 9, null));

        Assert.Single(_output.ToString().Split('\r', StringSplitOptions.RemoveEmptyEntries));
    }
}
