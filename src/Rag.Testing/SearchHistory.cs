using CsCheck;

namespace Slipway.Rag.Testing;

/// <summary>Random histories of a collection: publishes, deletes and merges of texts from a small vocabulary.</summary>
internal static class SearchHistory
{
    public static readonly string[] Vocabulary =
    [
        "pump",
        "valve",
        "boiler",
        "grinder",
        "pressure",
        "leak",
        "filter",
        "descale",
        "water",
        "steam",
        "group",
        "gasket",
    ];

    // A small vocabulary, so that terms meet, counts repeat and scores tie.
    private static readonly Gen<string> Text = Gen.Int[0, 11]
        .Array[0, 30]
        .Select(words => string.Join(' ', words.Select(word => Vocabulary[word])));

    /// <summary>A kind (0 to 5 publish, 6 and 7 delete, 8 and 9 merge), the document and its chunks.</summary>
    public static readonly Gen<(int Kind, int Document, string[] Texts)> Step = Gen.Select(
        Gen.Int[0, 9],
        Gen.Int[0, 5],
        Text.Array[1, 4]
    );

    public static readonly string[] Queries =
    [
        "pump",
        "steam leak",
        "water water filter",
        "the gasket of a group and a boiler",
    ];

    /// <summary>Applies a step; false when it was a merge, which is left to the caller.</summary>
    public static async Task<bool> ApplyAsync(Corpus corpus, (int Kind, int Document, string[] Texts) step)
    {
        switch (step.Kind)
        {
            case <= 5:
                await corpus.PublishAsync("d" + step.Document, step.Texts);
                return true;
            case <= 7:
                await corpus.DeleteAsync("d" + step.Document);
                return true;
            default:
                return false;
        }
    }
}
