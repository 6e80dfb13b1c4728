namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// How text becomes terms. Fixed when a collection's index is made: documents and queries must agree, so another analyser means
/// another index.
/// </summary>
public sealed record AnalyzerOptions
{
    private const string Version = "/1";

    /// <summary>English stemming and stop words.</summary>
    public static AnalyzerOptions English { get; } = new();

    /// <summary>Words as they are: for collections in other languages, and for identifiers.</summary>
    public static AnalyzerOptions Plain { get; } = new() { Stemming = false, StopWords = false };

    /// <summary>
    /// Whether English endings are removed (Porter): <c>connected</c>, <c>connection</c> and <c>connects</c> are one term. Words of other
    /// scripts are never touched. Default true.
    /// </summary>
    public bool Stemming { get; init; } = true;

    /// <summary>
    /// Whether English function words in a query are passed over. Documents keep theirs, so a query of nothing else still finds.
    /// Default true.
    /// </summary>
    public bool StopWords { get; init; } = true;

    /// <summary>The name under which the index keeps the settings, with the version of the rules: <c>english/1</c>.</summary>
    public string Name =>
        (Stemming, StopWords) switch
        {
            (true, true) => "english",
            (true, false) => "english-all-words",
            (false, true) => "english-unstemmed",
            (false, false) => "plain",
        } + Version;

    /// <summary>The settings of a name.</summary>
    /// <exception cref="SlipwayException">No analyser of this release has the name; the index was made by another release.</exception>
    public static AnalyzerOptions Parse(string name)
    {
        foreach (var stemming in (ReadOnlySpan<bool>)[true, false])
        {
            foreach (var stopWords in (ReadOnlySpan<bool>)[true, false])
            {
                var options = new AnalyzerOptions { Stemming = stemming, StopWords = stopWords };
                if (options.Name == name)
                {
                    return options;
                }
            }
        }

        throw new SlipwayException(
            ErrorClass.Configuration,
            $"The search index was made with the analyser '{name}', which this release does not have.",
            "Use english/1, english-all-words/1, english-unstemmed/1 or plain/1, or the release that made the index."
        );
    }
}
