using System.Security.Cryptography;
using System.Text;

namespace Slipway.Hosting.Identity;

/// <summary>
/// A key as its owner holds it: <c>slw_ID_SECRET</c>. The prefix tells secret scanners and servers what it is, the id tells people which one.
/// </summary>
internal static class ApiKeyText
{
    public const string Prefix = "slw_";

    private const string IdAlphabet = "abcdefghjkmnpqrstuvwxyz23456789";
    private const string SecretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int IdLength = 12;
    private const int SecretLength = 43; // 256 bits

    public static (string Id, string Text) Create()
    {
        var id = RandomNumberGenerator.GetString(IdAlphabet, IdLength);
        return (id, $"{Prefix}{id}_{RandomNumberGenerator.GetString(SecretAlphabet, SecretLength)}");
    }

    /// <summary>Nobody guesses 256 random bits, so a fast hash is enough, and none that costs every request time.</summary>
    public static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
