namespace Slipway.Agents.Testing.Internal;

/// <summary>
/// A vector by hashed words: the same for the same text everywhere, and near for texts that share words.
/// </summary>
internal static class WordVector
{
    public static float[] Of(string text, int dimensions)
    {
        var vector = new float[dimensions];
        var hash = 0u;
        var letters = 0;
        foreach (var letter in text.Append(' '))
        {
            if (char.IsLetterOrDigit(letter))
            {
                hash = ((letters++ == 0 ? 2166136261 : hash) ^ char.ToLowerInvariant(letter)) * 16777619; // FNV-1a
            }
            else if (letters > 0)
            {
                // FNV's low bits alone hardly tell upper from lower case, say: the high ones are mixed into them.
                hash = (hash ^ (hash >> 15)) * 0x85EBCA6B;
                hash ^= hash >> 13;
                vector[(hash >> 1) % (uint)dimensions] += (hash & 1) == 0 ? 1 : -1;
                letters = 0;
            }
        }

        var length = MathF.Sqrt(vector.Sum(value => value * value));
        if (length == 0)
        {
            vector[0] = 1; // no words, or words that cancel each other: still a direction
            return vector;
        }

        return Array.ConvertAll(vector, value => value / length);
    }
}
