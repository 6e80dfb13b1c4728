using System.Net.Http.Json;
using System.Text.Json;

namespace Slipway.Hosting.AspNetCore.Tests;

/// <summary>Reads server-sent events as a client does: by their lines.</summary>
internal static class EventReader
{
    public static async Task<HttpResponseMessage> PostStreamAsync(this HttpClient client, string path, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        return await client.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken
        );
    }

    /// <summary>The lines that are not empty: <c>data: …</c> and comments.</summary>
    public static async IAsyncEnumerable<string> ReadLinesAsync(this HttpResponseMessage response)
    {
        var token = TestContext.Current.CancellationToken;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(token));
        while (await reader.ReadLineAsync(token) is { } line)
        {
            if (line.Length > 0)
            {
                yield return line;
            }
        }
    }

    /// <summary>The events' data up to <c>[DONE]</c>, which must be the last thing said.</summary>
    public static async Task<List<JsonElement>> ReadEventsAsync(this HttpResponseMessage response)
    {
        var lines = await response
            .ReadLinesAsync()
            .Where(line => line[0] != ':' && !line.StartsWith("id: ", StringComparison.Ordinal))
            .ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal("data: [DONE]", lines[^1]);
        return [.. lines[..^1].Select(line => JsonElement.Parse(line["data: ".Length..]))];
    }

    public static string? Type(this JsonElement element) => element.GetProperty("type").GetString();
}
