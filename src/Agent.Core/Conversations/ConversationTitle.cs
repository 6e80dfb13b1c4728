namespace Slipway.Agents.Conversations;

/// <summary>Titles of conversations, in one line.</summary>
internal static class ConversationTitle
{
    private const int MaxLength = 60;
    private const int MaxWords = 6;

    private static readonly char[] Quotes = ['"', '\'', '“', '”', '„', '‘', '’', '«', '»', '*', '#', '`', ' '];

    /// <summary>The title that a conversation has until somebody finds a better one: the beginning of its first message.</summary>
    public static string? From(string message) =>
        Shorten(message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    /// <summary>What a model that was asked for 4 to 6 words has given: some add marks, a second line or more words.</summary>
    public static string? FromModel(string answer)
    {
        var line = answer
            .Split('\n')
            .Select(line => line.Trim(Quotes).TrimEnd('.', ':'))
            .FirstOrDefault(line => line.Length > 0);
        return line is null
            ? null
            : Shorten([.. line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Take(MaxWords)]);
    }

    private static string? Shorten(string[] words)
    {
        var title = string.Join(' ', words.Take(MaxLength));
        if (title.Length <= MaxLength)
        {
            return title.Length == 0 ? null : title;
        }

        var end = title.LastIndexOf(' ', MaxLength - 1);
        end = end > MaxLength / 2 ? end : MaxLength - 1;
        return title[..(char.IsHighSurrogate(title[end - 1]) ? end - 1 : end)] + "…";
    }
}
