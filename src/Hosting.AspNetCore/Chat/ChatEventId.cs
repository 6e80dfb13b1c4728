using System.Globalization;

namespace Slipway.Hosting.Chat;

/// <summary>
/// Names a server-sent event of an answer: the turn, the event in its log, and which of the chunks that it became. Whoever comes back with
/// it goes on after exactly that chunk.
/// </summary>
internal readonly record struct ChatEventId(string TurnId, long Sequence, int Chunk)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{TurnId}:{Sequence}:{Chunk}");

    /// <summary>Whether a chunk comes after this one.</summary>
    public bool IsBefore(long sequence, int chunk) => (Sequence, Chunk).CompareTo((sequence, chunk)) < 0;

    /// <summary>The id in a header; null when there is none, or not one of ours.</summary>
    public static ChatEventId? Read(string? header) =>
        header?.Split(':') is [{ Length: > 0 } turnId, var sequence, var chunk]
        && long.TryParse(sequence, CultureInfo.InvariantCulture, out var number)
        && int.TryParse(chunk, CultureInfo.InvariantCulture, out var place)
            ? new(turnId, number, place)
            : null;
}
