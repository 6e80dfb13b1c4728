using System.Net;
using System.Text.Json;

namespace Slipway.Hosting.AspNetCore.Tests;

internal static class SlipwayServerExtensions
{
    /// <summary>How long something may take that takes milliseconds; only a fault waits for it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static object Message(string id, string role, string text) =>
        new
        {
            id,
            role,
            parts = new[] { new { type = "text", text } },
        };

    /// <summary>What <c>useChat</c> posts.</summary>
    public static object Ask(string id, string text) =>
        new
        {
            id,
            messages = new[] { Message("m-" + text, "user", text) },
            trigger = "submit-message",
        };

    public static async Task<List<JsonElement>> AskAsync(this SlipwayServer server, string id, string text)
    {
        using var response = await server.Client.PostStreamAsync("/api/chat", Ask(id, text));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.ReadEventsAsync();
    }

    /// <summary>The problem details of an error, which names its status and is of the right type.</summary>
    public static async Task<JsonElement> ReadProblemAsync(this HttpResponseMessage response, HttpStatusCode expected)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == expected, $"{(int)response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonElement.Parse(text);
        Assert.Equal((int)expected, problem.GetProperty("status").GetInt32());
        return problem;
    }
}
