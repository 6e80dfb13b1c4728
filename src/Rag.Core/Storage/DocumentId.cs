using System.Security.Cryptography;
using System.Text;

namespace Slipway.Rag.Storage;

/// <summary>
/// Short names for documents, derived from where they were first seen. So the same documents have the same ids on every engine,
/// and ties in a search are broken alike.
/// </summary>
public static class DocumentId
{
    // Crockford's base 32 in lower case: no i, l, o, u, so ids survive being read aloud and never form words.
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    /// <summary>80 bits of SHA-256 in 16 characters.</summary>
    /// <param name="collection">The collection.</param>
    /// <param name="source">The source's name.</param>
    /// <param name="externalId">Identity within the source.</param>
    /// <param name="salt">0, or a count when the id is taken by a document that was moved away from there.</param>
    public static string Derive(CollectionKey collection, string source, string externalId, int salt = 0)
    {
        var hash = SHA256.HashData(
            Encoding.UTF8.GetBytes($"{collection.Tenant}\0{collection.Collection}\0{source}\0{externalId}\0{salt}")
        );
        return string.Create(
            16,
            hash,
            static (id, bytes) =>
            {
                for (var i = 0; i < id.Length; i++)
                {
                    var bit = i * 5;
                    var pair = (bytes[bit / 8] << 8) | bytes[(bit / 8) + 1];
                    id[i] = Alphabet[(pair >> (11 - (bit % 8))) & 31];
                }
            }
        );
    }
}
