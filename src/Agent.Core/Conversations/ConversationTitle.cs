namespace Slipway.Agents.Conversations;

/// <summary>The title that a conversation has until somebody finds a better one: the beginning of its first message.</summary>
internal static class ConversationTitle
{
    private const int MaxLength = 60;

    public static string? From(string message)
    {
        var words = message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
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
