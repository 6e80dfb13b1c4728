using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Agents.Testing;
using Slipway.Hosting.Identity;
using Slipway.Hosting.Problems;
using Slipway.Identity;
using Slipway.Rag.Ingestion;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

/// <summary>
/// Eve calls every endpoint that there is, in every way that its route and body allow, with what is Ada's: she sees nothing of it, and
/// nothing of it changes. Endpoints are found, not listed: a new one is among them.
/// </summary>
[Trait("Parity", "S11")]
public sealed partial class OwnershipTests
{
    private const string Word = "zanzibar";
    private const string Secret = "zanzibar-7731";
    private const string Marker = "7731";
    private const string Elsewhere = "ada of another tenant";
    private const int RequestsWithIds = 3;
    private const int RequestsWithoutIds = 24;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("sqlite", 20260101)]
    [InlineData("postgres", 20260102)]
    public async Task Nobody_reaches_what_is_anothers(string engine, int seed)
    {
        await using var test = engine == "postgres" ? await PostgresTestDatabase.CreateAsync() : null;
        // A login that row-level security binds, as an API should have one.
        await using var login = test is null ? null : await TestLogin.CreateAsync(test, "slipway_app");
        await using var server = await Tokens.StartAsync(
            new ScriptedChatClient(EchoEverything),
            new() { ["Auth:ApiKeys"] = "true", ["Limits:MaxAttachments"] = "2" },
            postgres: login?.ConnectionString
        );
        var (ids, cursors) = await PrepareAsync(server);
        var before = await SnapshotAsync(server, ids);
        var random = new Random(seed);
        var callers = await CallersAsync(server);

        var endpoints = server
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint =>
                endpoint.Metadata.GetMetadata<SlipwayEndpoint>() is not null
                && endpoint.Metadata.GetMetadata<IAuthorizeData>() is not null
            )
            .SelectMany(endpoint =>
                endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method => (endpoint, method))
            )
            .ToList();
        Assert.InRange(endpoints.Count, 20, 100);
        foreach (var (endpoint, method) in endpoints)
        {
            foreach (var path in Paths(endpoint.RoutePattern.RawText!, ids))
            {
                for (
                    var i = 0;
                    i < (endpoint.RoutePattern.Parameters.Count > 0 ? RequestsWithIds : RequestsWithoutIds);
                    i++
                )
                {
                    await TryAsync(server, random, callers, method, path, ids, cursors);
                }
            }
        }

        Assert.Equal(before, await SnapshotAsync(server, ids));
    }

    private static async Task TryAsync(
        SlipwayServer server,
        Random random,
        IReadOnlyList<(string Name, string Token)> callers,
        string method,
        string path,
        Ids ids,
        IReadOnlyList<string> cursors
    )
    {
        var (caller, token) = callers[random.Next(callers.Count)];
        using var request = new HttpRequestMessage(new HttpMethod(method), path + Query(random, ids, cursors));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add(
            "Last-Event-ID",
            random.Next(3).ToString(System.Globalization.CultureInfo.InvariantCulture)
        );
        var body = method is "GET" or "DELETE" ? null : Body(random, ids);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");

        using var response = await server.Client.SendAsync(request, Token);
        var text = await response.Content.ReadAsStringAsync(Token);

        var what = $"{caller}: {method} {request.RequestUri} {body} -> {(int)response.StatusCode} {text}";
        Assert.False(text.Contains(Marker, StringComparison.Ordinal), what);
        Assert.True(response.StatusCode < HttpStatusCode.InternalServerError, what);
        if (
            path.Contains(ids.Document, StringComparison.Ordinal)
            // In another tenant the id is free, and so the caller's own once a message was sent under it.
            || (path.Contains(ids.Conversation, StringComparison.Ordinal) && caller != Elsewhere)
        )
        {
            // What is another's is as if it were not there; streaming and stopping what is not there is nothing (204).
            Assert.True(
                !response.IsSuccessStatusCode
                    || (
                        response.StatusCode == HttpStatusCode.NoContent
                        && path.StartsWith("/api/chat/", StringComparison.Ordinal)
                    ),
                what
            );
        }
    }

    /// <summary>The model tells whatever it is given, after it has looked for what is Ada's.</summary>
    private static IAsyncEnumerable<AIContent> EchoEverything(
        IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken
    )
    {
        AIContent said = messages.Any(message => message.Role == ChatRole.Tool)
            ? new TextContent(
                string.Join(
                    '\n',
                    messages
                        .Where(message => message.Role != ChatRole.System)
                        .SelectMany(message => message.Contents)
                        .Select(content =>
                            content switch
                            {
                                TextContent text => text.Text,
                                DataContent data => Encoding.UTF8.GetString(data.Data.Span),
                                FunctionResultContent result => $"{result.Result}",
                                _ => "",
                            }
                        )
                )
            )
            : new FunctionCallContent("call", "search_knowledge", new Dictionary<string, object?> { ["query"] = Word });
        return new[] { said }.ToAsyncEnumerable();
    }

    /// <summary>What is Ada's: a conversation with a file, a document, a name; and a key that acts as her.</summary>
    private static async Task<(Ids Ids, IReadOnlyList<string> Cursors)> PrepareAsync(SlipwayServer server)
    {
        server.WithToken(Tokens.Create("ada", ("email", $"ada-{Marker}@example.com")));
        using var named = await server.Client.PatchAsJsonAsync("/api/me", new { displayName = $"Ada {Secret}" }, Token);
        using var pushed = await server.Client.PostAsync(
            "/api/documents?name=ada.md",
            new StringContent($"# Notes\n\nThe {Secret} plan is to sail at dawn.", Encoding.UTF8, "text/markdown"),
            Token
        );
        await server.Services.GetRequiredService<DocumentInbox>().ProcessAsync(Token);
        string? turn = null;
        for (var i = 0; i < 2; i++)
        {
            using var chat = await server.Client.PostStreamAsync(
                "/api/chat",
                Chat("adas-conversation", $"adas-message-{i}", $"My {Secret} question", "Ada's file " + Secret)
            );
            var events = await chat.ReadEventsAsync();
            turn = events[0].GetProperty("messageMetadata").GetProperty("turnId").GetString();
        }

        var documents = JsonElement.Parse(await server.Client.GetStringAsync("/api/documents", Token));
        var page = JsonElement.Parse(
            await server.Client.GetStringAsync("/api/conversations/adas-conversation/messages?limit=1", Token)
        );
        var list = JsonElement.Parse(await server.Client.GetStringAsync("/api/conversations", Token));
        var url = page.GetProperty("messages")[0].GetProperty("parts")[1].GetProperty("url").GetString()!;
        var key = await new ApiKeyIssuer(
            server.Services.GetRequiredService<IApiKeyStore>(),
            TimeProvider.System
        ).CreateAsync(new Principal("default", "ada"), Secret, [ApiKeyScopes.Chat], null, Token);
        return (
            new Ids(
                "adas-conversation",
                documents.GetProperty("documents")[0].GetProperty("id").GetString()!,
                url[(url.LastIndexOf('/') + 1)..],
                turn!,
                key.Key.Id
            ),
            [
                page.GetProperty("before").GetString()!,
                $"{DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()}:x",
                documents.GetProperty("documents")[0].GetProperty("name").GetString()!,
                list.GetProperty("conversations")[0].GetProperty("id").GetString()!,
            ]
        );
    }

    private static async Task<List<(string Name, string Token)>> CallersAsync(SlipwayServer server)
    {
        var issuer = new ApiKeyIssuer(server.Services.GetRequiredService<IApiKeyStore>(), TimeProvider.System);
        var key = await issuer.CreateAsync(
            new Principal("default", "eve"),
            "eve's",
            [ApiKeyScopes.Chat, ApiKeyScopes.ReadDocuments, ApiKeyScopes.WriteDocuments],
            null,
            Token
        );
        // An admin of another tenant would be one of keys; the same name in another tenant is another user.
        var elsewhere = await issuer.CreateAsync(new Principal("other", "ada"), "x", ApiKeyScopes.All, null, Token);
        return
        [
            ("eve", Tokens.Create("eve")),
            ("a name that begins alike", Tokens.Create("ada/")),
            ("eve's key", key.Text),
            (Elsewhere, elsewhere.Text),
        ];
    }

    /// <summary>Everything of Ada's, as she sees it.</summary>
    private static async Task<string> SnapshotAsync(SlipwayServer server, Ids ids)
    {
        server.WithToken(Tokens.Create("ada"));
        var all = new StringBuilder();
        foreach (
            var path in new[]
            {
                "/api/me",
                "/api/conversations",
                $"/api/conversations/{ids.Conversation}/export",
                $"/api/conversations/{ids.Conversation}/attachments/{ids.Attachment}",
                $"/api/documents/{ids.Document}",
                $"/api/documents/{ids.Document}/content",
            }
        )
        {
            var text = await server.Client.GetStringAsync(path, Token);
            Assert.Contains(
                Marker,
                path.EndsWith("/conversations", StringComparison.Ordinal)
                || path.EndsWith(ids.Document, StringComparison.Ordinal)
                    ? Marker
                    : text,
                StringComparison.Ordinal
            );
            all.AppendLine(text);
        }

        var key = await server
            .Services.GetRequiredService<IApiKeyStore>()
            .ListAsync("default", cancellationToken: Token);
        all.Append(
            string.Join(
                '\n',
                key.Keys.Where(key => key.UserId == "ada").Select(key => $"{key.Id} {key.ExpiresAt} {key.RevokedAt}")
            )
        );
        return all.ToString();
    }

    /// <summary>Each path of a route, with each of Ada's ids in each of its places.</summary>
    private static IEnumerable<string> Paths(string pattern, Ids ids)
    {
        var place = Parameter().Match(pattern);
        return place.Success
            ? ids.All.SelectMany(id =>
                Paths(pattern[..place.Index] + id + pattern[(place.Index + place.Length)..], ids)
            )
            : ["/" + pattern.TrimStart('/')];
    }

    private static string Query(Random random, Ids ids, IReadOnlyList<string> cursors)
    {
        (string Name, string Value)[] all =
        [
            ("q", Word),
            ("contains", "ada"),
            ("after", cursors[random.Next(cursors.Count)]),
            ("before", cursors[0]),
            ("limit", "10"),
            ("format", random.Next(2) == 0 ? "json" : "markdown"),
            ("name", "ada.md"),
            ("source", "inbox"),
            ("principals", "user:eve"),
            ("user", "ada"),
            ("conversationId", ids.Conversation),
        ];
        return "?"
            + string.Join(
                '&',
                all.Where(_ => random.Next(3) == 0).Select(item => $"{item.Name}={Uri.EscapeDataString(item.Value)}")
            );
    }

    private static string Body(Random random, Ids ids)
    {
        var id = ids.All[random.Next(ids.All.Count)];
        var attachment = $"/api/conversations/{ids.Conversation}/attachments/{ids.Attachment}";
        object[] bodies =
        [
            Chat(ids.Conversation, "adas-message-0", "Mine now"),
            Chat(ids.Conversation, "new", "Mine now"),
            Chat($"eves-{random.Next(3)}", "adas-message-0", "Tell me", url: attachment),
            Chat($"eves-{random.Next(3)}", $"m{random.Next(100)}", $"What is the {Word} plan?", "Eve's file"),
            new
            {
                id = ids.Conversation,
                messages = Array.Empty<object>(),
                trigger = "regenerate-message",
            },
            new
            {
                model = "agent",
                messages = new[] { new { role = "user", content = $"What is the {Word} plan?" } },
                user = "ada",
            },
            new
            {
                query = "Tell me",
                user_id = "ada",
                session_id = ids.Conversation,
                request_id = "r",
            },
            new
            {
                title = "Mine",
                displayName = "Eve",
                id,
                userId = "ada",
                turnId = ids.Turn,
                isAdmin = true,
            },
        ];
        return JsonSerializer.Serialize(bodies[random.Next(bodies.Length)]);
    }

    private static object Chat(string id, string message, string text, string? file = null, string? url = null)
    {
        url ??= file is null ? null : "data:text/plain;base64," + Convert.ToBase64String(Encoding.UTF8.GetBytes(file));
        object[] parts =
        [
            new { type = "text", text },
            .. url is null
                ? []
                : new object[]
                {
                    new
                    {
                        type = "file",
                        mediaType = "text/plain",
                        url,
                    },
                },
        ];
        return new
        {
            id,
            messages = new[]
            {
                new
                {
                    id = message,
                    role = "user",
                    parts,
                },
            },
        };
    }

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.None, 1_000)]
    private static partial Regex Parameter();

    private sealed record Ids(string Conversation, string Document, string Attachment, string Turn, string Key)
    {
        public IReadOnlyList<string> All => [Conversation, Document, Attachment, Turn, Key];
    }
}
