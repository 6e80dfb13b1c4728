using Microsoft.Extensions.AI;

namespace Slipway.Agents.Conversations.Internal;

/// <summary>
/// A search as it goes through a user's conversations, row by row. The words are compared here and not by the database, whose idea of
/// upper and lower case differs from engine to engine and ends with ASCII.
/// </summary>
internal sealed class ConversationSearch(string query, int limit)
{
    private const int MaxMessages = 10_000;
    private const int ExcerptLength = 160;

    private readonly string[] _words =
    [
        .. query.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.OrdinalIgnoreCase),
    ];
    private readonly List<ConversationMatch> _matches = [];
    private readonly HashSet<string> _missing = new(StringComparer.OrdinalIgnoreCase);
    private Conversation? _conversation;
    private (string Id, string Excerpt)? _first;
    private int _messages;

    /// <summary>Whether there is anything to look for; a query without words finds nothing.</summary>
    public bool HasWords => _words.Length > 0;

    /// <summary>Takes a conversation, which comes before its messages.</summary>
    /// <returns>False when the page is full: this one, and all that follow, are for the next.</returns>
    public bool Begin(Conversation conversation)
    {
        End();
        if (_matches.Count == limit || _messages >= MaxMessages)
        {
            return false;
        }

        _conversation = conversation;
        _first = null;
        _missing.Clear();
        _missing.UnionWith(_words);
        _missing.RemoveWhere(word => conversation.Title?.Contains(word, StringComparison.OrdinalIgnoreCase) == true);
        return true;
    }

    /// <summary>Takes a message of the conversation. One that cannot be read says nothing.</summary>
    public void Add(string id, int format, string content)
    {
        _messages++;
        if ((_missing.Count == 0 && _first is not null) || !StoredMessage.TryRead(format, content, out var message))
        {
            return;
        }

        foreach (var text in message.Contents.OfType<TextContent>().Select(content => content.Text))
        {
            if (_first is null && Find(text) is { } place)
            {
                _first = (id, Excerpt(text, place));
            }

            _missing.RemoveWhere(word => text.Contains(word, StringComparison.OrdinalIgnoreCase));
        }
    }

    /// <summary>What was found.</summary>
    /// <param name="isComplete">Whether all conversations were taken.</param>
    public ConversationMatchPage ToPage(bool isComplete)
    {
        var last = _conversation;
        End();
        return new(_matches, isComplete || last is null ? null : ConversationMark.Of(last).ToString());
    }

    private void End()
    {
        if (_conversation is not null && _missing.Count == 0)
        {
            // Once: the end may come twice.
            _missing.Add("");
            _matches.Add(new(_conversation, _first?.Id, _first?.Excerpt));
        }
    }

    private int? Find(string text) =>
        _words
            .Select(word => text.IndexOf(word, StringComparison.OrdinalIgnoreCase))
            .Where(index => index >= 0)
            .Select(index => (int?)index)
            .Min();

    private static string Excerpt(string text, int place)
    {
        var start = Math.Max(0, place - (ExcerptLength / 4));
        var end = Math.Min(text.Length, start + ExcerptLength);
        start += start > 0 && char.IsLowSurrogate(text[start]) ? 1 : 0;
        end -= end < text.Length && char.IsHighSurrogate(text[end - 1]) ? 1 : 0;
        var line = string.Join(' ', text[start..end].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return (start > 0 ? "…" : "") + line + (end < text.Length ? "…" : "");
    }
}
