namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// Lower case without diacritics, from tables of our own: the platform's tables differ between releases and vanish in
/// globalization-invariant mode, and an index must mean the same everywhere.
/// </summary>
internal static class CharacterFolding
{
    // U+00C0 to U+017F
    private const string Latin =
        "aaaaaaæceeeeiiiidnooooo×ouuuuyþßaaaaaaæceeeeiiiidnooooo÷ouuuuyþyaaaaaaccccccccddddeeeeeeeeeegggg"
        + "gggghhhhiiiiiiiiiiĳĳjjkkĸllllllŀŀllnnnnnnŉnnooooooœœrrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

    // U+01CD to U+0233
    private const string LatinMore =
        "aaiioouuuuuuuuuuǝaaaaææǥǥggkkooooʒʒjǳǳǳggƕƿnnaaææooaaaaeeeeiiiioooorrrruuuussttȝȝhhƞȡȣȣȥȥaaeeooo" + "oooooyy";

    // U+0370 to U+03FF
    private const string Greek =
        "ͱͱͳͳʹ͵ͷͷ͸͹ͺͻͼͽ;ϳ΀΁΂΃΄¨α·εηι΋ο΍υωιαβγδεζηθικλμνξοπρ΢στυφχψωιυαεηιυαβγδεζηθικλμνξοπρσστυφχψωιυουωϗ"
        + "ϐϑϒϒϒϕϖϗϙϙϛϛϝϝϟϟϡϡϣϣϥϥϧϧϩϩϫϫϭϭϯϯϰϱϲϳθϵ϶ϸϸϲϻϻϼͻͼͽ";

    // U+0400 to U+04FF
    private const string Cyrillic =
        "ееђгєѕііјљњћкиуџабвгдежзииклмнопрстуфхцчшщъыьэюяабвгдежзииклмнопрстуфхцчшщъыьэюяееђгєѕііјљњћкиуџ"
        + "ѡѡѣѣѥѥѧѧѩѩѫѫѭѭѯѯѱѱѳѳѵѵѵѵѹѹѻѻѽѽѿѿҁҁ҂҃҄҅҆҇҈҉ҋҋҍҍҏҏґґғғҕҕҗҗҙҙққҝҝҟҟҡҡңңҥҥҧҧҩҩҫҫҭҭүүұұҳҳҵҵҷҷҹҹһһҽҽҿҿ"
        + "ӏжжӄӄӆӆӈӈӊӊӌӌӎӎӏааааӕӕееәәәәжжззӡӡииииооөөөөээууууууччӷӷыыӻӻӽӽӿӿ";

    // U+1E00 to U+1EFF
    private const string LatinAdditional =
        "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrr"
        + "ssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwyẚsẜẝßẟaaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
        + "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyyỻỻỽỽỿỿ";

    // U+1F00 to U+1FFF
    private const string GreekExtended =
        "ααααααααααααααααεεεεεε἖἗εεεεεε἞἟ηηηηηηηηηηηηηηηηιιιιιιιιιιιιιιιιοοοοοο὆὇οοοοοο὎὏υυυυυυυυ὘υ὚υ὜υ὞υ"
        + "ωωωωωωωωωωωωωωωωααεεηηιιοουυωω὾὿ααααααααααααααααηηηηηηηηηηηηηηηηωωωωωωωωωωωωωωωωααααα᾵ααααααα᾽ι᾿"
        + "῀¨ηηη῅ηηεεηηη᾿᾿᾿ιιιι῔῕ιιιιιι῜῾῾῾υυυυρρυυυυυυρ¨¨`῰῱ωωω῵ωωοοωωω´῾῿";

    /// <summary>One character without case and diacritics. What becomes two letters is left to <see cref="Expand"/>.</summary>
    public static char Fold(char character) =>
        character switch
        {
            < 'A' => character,
            <= 'Z' => (char)(character | 0x20),
            < '\u00C0' => character,
            <= '\u017F' and >= '\u00C0' => Latin[character - '\u00C0'],
            <= '\u0233' and >= '\u01CD' => LatinMore[character - '\u01CD'],
            <= '\u03FF' and >= '\u0370' => Greek[character - '\u0370'],
            <= '\u04FF' and >= '\u0400' => Cyrillic[character - '\u0400'],
            <= '\u1EFF' and >= '\u1E00' => LatinAdditional[character - '\u1E00'],
            <= '\u1FFF' and >= '\u1F00' => GreekExtended[character - '\u1F00'],
            <= '\uFF5E' and >= '\uFF01' => Fold((char)(character - 0xFEE0)), // full-width forms of ASCII
            _ => char.ToLowerInvariant(character),
        };

    /// <summary>The letters that a folded character is written as where they are several; otherwise empty.</summary>
    public static string Expand(char folded) =>
        folded switch
        {
            'ß' => "ss",
            'æ' => "ae",
            'œ' => "oe",
            'þ' => "th",
            'ĳ' => "ij",
            _ => "",
        };

    /// <summary>
    /// Marks that a reader leaves out as often as not: combining accents, Arabic vowel signs and the stretched line, Hebrew points,
    /// the soft hyphen.
    /// </summary>
    public static bool IsOptionalMark(char character) =>
        character
            is '\u00AD'
                or >= '\u0300'
                and <= '\u036F'
                or >= '\u0591'
                and <= '\u05C7'
                or '\u0640'
                or >= '\u064B'
                and <= '\u0652';
}
