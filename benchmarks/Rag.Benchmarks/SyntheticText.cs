using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>Text whose words are as frequent as in natural language: the n-th commonest word comes n times less often than the first.</summary>
internal sealed class SyntheticText(int seed)
{
    private const int Vocabulary = 50_000;
    private const int TokensInChunk = 170;
    private const int StopWords = 100; // the commonest; questions do not search for them

    private static readonly double[] Cumulative = Zipf();
    private readonly Random _random = new(seed);

    public ChunkRecord[] Document(int chunks) =>
        [
            .. Enumerable
                .Range(0, chunks)
                .Select(ordinal =>
                {
                    var text = string.Join(' ', Enumerable.Range(0, TokensInChunk).Select(_ => Word(NextRank())));
                    return new ChunkRecord
                    {
                        Ordinal = ordinal,
                        Start = 0,
                        End = text.Length,
                        Text = text,
                        ContentHash = ChunkIdentity.Hash(text),
                    };
                }),
        ];

    /// <summary>Six words, drawn as a text's words are.</summary>
    public string[] Question()
    {
        var words = new HashSet<string>();
        while (words.Count < 6)
        {
            if (NextRank() is >= StopWords and var rank)
            {
                words.Add(Word(rank));
            }
        }

        return [.. words];
    }

    /// <summary>Eight to fifteen words as a text has them, without those that an English question's stop words would be.</summary>
    public string NaturalQuestion()
    {
        const int EnglishStopWords = 33; // of the commonest words, about two in five of a text
        var words = Enumerable
            .Range(0, _random.Next(8, 16))
            .Select(_ => NextRank())
            .Where(rank => rank >= EnglishStopWords);
        return string.Join(' ', words.Select(Word).DefaultIfEmpty(Word(EnglishStopWords)));
    }

    private int NextRank()
    {
        var found = Array.BinarySearch(Cumulative, _random.NextDouble());
        return Math.Min(found < 0 ? ~found : found, Vocabulary - 1);
    }

    // Syllables that no stemmer changes; four of 20 tell 160,000 words apart.
    private static string Word(int rank)
    {
        Span<char> word = stackalloc char[8];
        for (var i = 0; i < word.Length; i += 2, rank /= 20)
        {
            word[i] = "bdfgklmnpr"[rank % 10];
            word[i + 1] = "ao"[rank / 10 % 2];
        }

        return word.ToString();
    }

    private static double[] Zipf()
    {
        var sum = 0.0;
        var cumulative = new double[Vocabulary];
        for (var rank = 0; rank < Vocabulary; rank++)
        {
            cumulative[rank] = sum += 1.0 / (rank + 1);
        }

        return Array.ConvertAll(cumulative, value => value / sum);
    }
}
