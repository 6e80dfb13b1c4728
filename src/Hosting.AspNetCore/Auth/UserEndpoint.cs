using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Slipway.Hosting.Auth;

/// <summary>
/// Asks whose a token is. A good answer is believed for a short time, and never longer than the token itself lives; anything else is not kept.
/// </summary>
internal sealed class UserEndpoint(IOptions<AuthOptions> auth, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private const int MaxUsers = 10_000;
    private const long MaxAnswerBytes = 1 << 20;

    private readonly MemoryCache _users = new(new MemoryCacheOptions { SizeLimit = MaxUsers });
    private readonly HttpClient _http = new(
        new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false }
    )
    {
        Timeout = Patience,
        MaxResponseContentBufferSize = MaxAnswerBytes,
    };

    public void Dispose()
    {
        _http.Dispose();
        _users.Dispose();
    }

    /// <returns>The user as claims; null when the token is refused.</returns>
    /// <exception cref="HttpRequestException">The endpoint cannot be asked, or does not answer as one of its kind.</exception>
    public async Task<IReadOnlyList<Claim>?> FindUserAsync(string token, CancellationToken cancellationToken)
    {
        // The tokens themselves are not kept in memory.
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        var now = time.GetUtcNow();
        if (_users.TryGetValue(key, out User? known) && known!.Until > now)
        {
            return known.Claims;
        }

        var claims = await AskAsync(token, cancellationToken).ConfigureAwait(false);
        var until = Earlier(now + Believed, EndOf(token));
        if (claims is not null && until > now)
        {
            _users.Set(
                key,
                new User(claims, until),
                new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = Believed }
            );
        }

        return claims;
    }

    private async Task<IReadOnlyList<Claim>?> AskAsync(string token, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, auth.Value.UserEndpoint);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (auth.Value.UserEndpointKey is { } apiKey)
        {
            request.Headers.TryAddWithoutValidation("apikey", apiKey);
        }

        using var response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        try
        {
            using var user = JsonDocument.Parse(
                await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false)
            );
            return [.. Claims(user.RootElement)];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new HttpRequestException("The user endpoint's answer is no JSON object.", exception);
        }
    }

    /// <summary>As a token's payload becomes claims: a list is one for each item, an object its JSON.</summary>
    private static IEnumerable<Claim> Claims(JsonElement user)
    {
        foreach (var property in user.EnumerateObject())
        {
            var name = property.Name == "id" ? "sub" : property.Name;
            foreach (
                var value in property.Value.ValueKind == JsonValueKind.Array
                    ? property.Value.EnumerateArray().ToList()
                    : [property.Value]
            )
            {
                if (value.ValueKind != JsonValueKind.Null)
                {
                    yield return new Claim(
                        name,
                        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText()
                    );
                }
            }
        }
    }

    /// <summary>Only to believe an answer for a shorter time: nothing else of an unchecked token is used.</summary>
    private static DateTimeOffset EndOf(string token)
    {
        try
        {
            var end = new JsonWebToken(token).ValidTo;
            return end == DateTime.MinValue ? DateTimeOffset.MaxValue : new DateTimeOffset(end, TimeSpan.Zero);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return DateTimeOffset.MaxValue; // not a JWT
        }
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private sealed record User(IReadOnlyList<Claim> Claims, DateTimeOffset Until);
}
