namespace Slipway.Rag.Reading;

/// <summary>How a file separates and quotes its cells.</summary>
internal readonly record struct CsvDialect(char Delimiter, char Quote)
{
    private const int SampledLines = 20;
    private const int SampledCharacters = 64 * 1024;

    /// <summary>In order of preference where two explain the sample equally well.</summary>
    private static readonly char[] Delimiters = [',', ';', '\t', '|'];

    /// <summary>The delimiter that the most of the first lines have equally often, and the quote that stands beside it.</summary>
    public static CsvDialect Detect(string text)
    {
        var sample = Math.Min(text.Length, SampledCharacters);
        var best = new CsvDialect(',', '"');
        var bestScore = 0;
        foreach (var quote in "\"'")
        {
            foreach (var delimiter in Delimiters)
            {
                var score = Score(text, sample, delimiter, quote);
                if (score > bestScore)
                {
                    (best, bestScore) = (new CsvDialect(delimiter, quote), score);
                }
            }
        }

        return best;
    }

    /// <summary>Lines that agree with the first on the number of cells, weighted so that more cells win a tie.</summary>
    private static int Score(string text, int sample, char delimiter, char quote)
    {
        int lines = 0,
            agreeing = 0,
            expected = -1;
        // An apostrophe is seldom a quote: it has to stand at a cell's beginning to count as one.
        var quoted = false;
        var atCellStart = true;
        var sawQuote = false;
        var cells = 1;
        for (var i = 0; i < sample && lines < SampledLines; i++)
        {
            var c = text[i];
            if (quoted)
            {
                quoted = c != quote;
                continue;
            }

            if (c == quote && atCellStart)
            {
                quoted = sawQuote = true;
            }
            else if (c == delimiter)
            {
                cells++;
            }
            else if (c == '\n' || (c == '\r' && (i + 1 == text.Length || text[i + 1] != '\n')))
            {
                expected = expected < 0 ? cells : expected;
                agreeing += cells == expected ? 1 : 0;
                lines++;
                cells = 1;
            }

            atCellStart = c == delimiter || c is '\n' or '\r' || (atCellStart && c == ' ');
        }

        if (cells > 1 && lines < SampledLines && !quoted)
        {
            expected = expected < 0 ? cells : expected;
            agreeing += cells == expected ? 1 : 0;
        }

        // The quote that is there beats the one that is not.
        return expected < 2 || quoted || (quote == '\'' && !sawQuote)
            ? 0
            : agreeing * 1000 + Math.Min(expected, 499) + (sawQuote ? 500 : 0);
    }
}
