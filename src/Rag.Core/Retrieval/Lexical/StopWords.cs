using System.Collections.Frozen;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// English function words, passed over in queries only: half of a question's words, nine tenths of its postings, and
/// no topic. Of contractions the part before the apostrophe stands here, as the analyser leaves it.
/// </summary>
internal static class StopWords
{
    private const string Words = """
        a an the this that these those such
        i me my mine myself we us our ours ourselves you your yours yourself yourselves
        he him his himself she her hers herself it its itself they them their theirs themselves one ones
        who whom whose which what when where why how whether
        am is are was were be been being do does did doing done have has had having
        can cannot could may might must shall should will would ought
        don doesn didn isn aren wasn weren hasn haven hadn couldn wouldn shouldn
        and or but nor if then else than because while until although though unless so as
        of at by for with about against between into through during before after above below to from in out on off over under
        upon within without toward towards among across per via
        again further once here there ever also too very just only own same other another each every either neither
        both any all some more most few many much not no yes now still yet
        """;

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Set = Words
        .Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
        .ToFrozenSet(StringComparer.Ordinal)
        .GetAlternateLookup<ReadOnlySpan<char>>();

    public static bool Contains(ReadOnlySpan<char> word) => Set.Contains(word);
}
