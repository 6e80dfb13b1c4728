using System.Globalization;

namespace Slipway.Agents.Conversations.Internal;

/// <summary>Where a page of conversations ended: time and id of its last row.</summary>
/// <param name="Time">Unix milliseconds.</param>
/// <param name="Id">The conversation.</param>
internal readonly record struct ConversationMark(long Time, string Id)
{
    public static ConversationMark Of(Conversation last) => new(last.LastMessageAt.ToUnixTimeMilliseconds(), last.Id);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Time}:{Id}");

    /// <summary>The mark that was given out; null for the first page.</summary>
    public static ConversationMark? Read(string? mark)
    {
        if (mark is null)
        {
            return null;
        }

        var colon = mark.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && long.TryParse(mark.AsSpan(0, colon), CultureInfo.InvariantCulture, out var time)
            ? new(time, mark[(colon + 1)..])
            : throw new SlipwayException(
                ErrorClass.Permanent,
                "The place in the list of conversations is not one that was given out.",
                "Pass the 'next' of the page before, or leave it out for the first page."
            );
    }
}
