using System.Security.Cryptography;
using System.Text;

namespace Slipway;

/// <summary>What may change. Its key is short and says nothing of the names in it: everybody in a database hears every signal.</summary>
/// <param name="Key">A word and 32 hexadecimal digits.</param>
public readonly record struct ChangeTopic(string Key)
{
    private const char Separator = '\u001f';

    /// <summary>Work has come for a collection: a document was pushed, or a claim on one was given back.</summary>
    public static ChangeTopic Collection(string tenant, string collection) => Of("collection", tenant, collection);

    /// <summary>A pushed document was published, failed, was skipped or deleted.</summary>
    public static ChangeTopic Document(string documentId) => Of("document", documentId);

    /// <summary>A turn has new events, or has ended.</summary>
    public static ChangeTopic Turn(string turnId) => Of("turn", turnId);

    /// <summary>Somebody asked for the end of a turn.</summary>
    public static ChangeTopic TurnStop(string turnId) => Of("turn-stop", turnId);

    /// <summary>Turns were given away by who ran them, and wait for somebody else.</summary>
    public static ChangeTopic AbandonedTurns { get; } = Of("abandoned-turns");

    /// <summary>The key.</summary>
    public override string ToString() => Key;

    private static ChangeTopic Of(string kind, params ReadOnlySpan<string> names) =>
        new(
            kind
                + ':'
                + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(Separator, names)))[..16])
        );
}
