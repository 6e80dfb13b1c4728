using System.Globalization;
using Slipway.Agents.Turns;

namespace Quickstart;

/// <summary>Prints an answer as it comes, and below it the sources with their numbers.</summary>
internal sealed class AnswerPrinter(TextWriter output)
{
    private readonly SortedDictionary<int, Citation> _citations = [];

    /// <summary>Prints the events of a turn.</summary>
    /// <returns>The failure, if the turn failed.</returns>
    public async Task<TurnFailed?> PrintAsync(IAsyncEnumerable<TurnEvent> events)
    {
        TurnFailed? failure = null;
        await foreach (var item in events)
        {
            switch (item)
            {
                case TextDelta delta:
                    output.Write(delta.Text);
                    output.Flush();
                    break;
                case CitationAdded { Citation: var citation }:
                    _citations[citation.Number] = citation;
                    break;
                case TurnFailed failed:
                    failure = failed;
                    break;
            }
        }

        output.WriteLine();
        PrintSources();
        return failure;
    }

    private void PrintSources()
    {
        if (_citations.Count == 0)
        {
            return;
        }

        output.WriteLine();
        output.WriteLine("Sources");
        foreach (var citation in _citations.Values)
        {
            var place = string.Join(" > ", citation.Headings.Prepend(citation.Name));
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"[{citation.Number}] {place}, characters {citation.Passage.Start}-{citation.Passage.End}"
                )
            );
            output.WriteLine(
                citation.Verified ? $"    \"{OneLine(citation.Quote!)}\"" : "    (the quotation was not found there)"
            );
        }
    }

    private static string OneLine(string text) =>
        string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
