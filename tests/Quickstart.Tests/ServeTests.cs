using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Slipway.Quickstart.Tests;

/// <summary>The server as a user starts it.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _data = new();
    private readonly HttpClient _client = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _client.Dispose();
        _folder.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task It_serves_the_page_the_documents_and_cited_answers_and_stops_when_told()
    {
        _folder.Write("leave.md", "# Leave\n\nEverybody has 27 days of annual leave a year.\n");
        await using var process = Start();
        var address = await process.ListeningAsync();

        Assert.Contains("<html", await _client.GetStringAsync(address, Token), StringComparison.Ordinal);
        var documents = await _client.GetFromJsonAsync<JsonElement>(new Uri(address, "/api/documents"), Token);
        Assert.Equal("leave.md", documents.GetProperty("documents")[0].GetProperty("name").GetString());
        Assert.Contains(
            "27 days",
            await ChatAsync(address, "How many days of annual leave do I have?"),
            StringComparison.Ordinal
        );

        await process.StopAsync();
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task A_file_dropped_in_is_answerable_within_five_seconds_and_gone_when_removed()
    {
        _folder.Write("a.md", "The boiler holds 1.8 litres.");
        await using var process = Start();
        var address = await process.ListeningAsync();

        var path = _folder.Write("new.md", "The grinder weighs 5.4 kilograms.");
        await UntilAsync(address, "grinder", found: true);

        File.Delete(path);
        await UntilAsync(address, "grinder", found: false);
    }

    [Fact]
    public async Task A_killed_server_leaves_a_database_that_the_next_one_finishes()
    {
        for (var i = 0; i < 400; i++)
        {
            _folder.Write(
                $"{i}.md",
                $"# Document {i}\n\n"
                    + string.Join(
                        "\n\n",
                        Enumerable.Range(0, 30).Select(n => $"Paragraph {n} of {i} speaks of item {i * n}.")
                    )
            );
        }

        await using (var process = Start())
        {
            while (!process.Error.Contains("Reading documents: 80 of 400", StringComparison.Ordinal))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Token);
            }

            await process.KillAsync();
        }

        await using var again = Start();
        var address = await again.ListeningAsync();
        var total = 0;
        string? next = null;
        do
        {
            var page = await _client.GetFromJsonAsync<JsonElement>(
                new Uri(address, "/api/documents?limit=100&state=published" + (next is null ? "" : "&after=" + next)),
                Token
            );
            total += page.GetProperty("documents").GetArrayLength();
            next = page.TryGetProperty("next", out var mark) ? mark.GetString() : null;
        } while (next is not null);

        Assert.Equal(400, total);
    }

    [Fact]
    public async Task A_port_in_use_is_named_with_the_option_that_changes_it()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var process = await QuickstartProcess.RunAsync([
            "--folder",
            _folder.Path,
            "--data",
            Path.Combine(_data.Path, "test.db"),
            "--urls",
            $"http://127.0.0.1:{port}",
        ]);

        Assert.Equal(2, process.ExitCode);
        Assert.Contains(
            port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            process.Error,
            StringComparison.Ordinal
        );
        Assert.Contains("--urls", process.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_does_not_listen_beyond_this_machine_without_authentication()
    {
        await using var process = await QuickstartProcess.RunAsync([
            "--folder",
            _folder.Path,
            "--data",
            Path.Combine(_data.Path, "test.db"),
            "--urls",
            "http://0.0.0.0:0",
        ]);

        Assert.Equal(2, process.ExitCode);
        Assert.Contains("Auth", process.Error, StringComparison.Ordinal);
    }

    private QuickstartProcess Start() =>
        QuickstartProcess.Start([
            "--folder",
            _folder.Path,
            "--data",
            Path.Combine(_data.Path, "test.db"),
            "--urls",
            "http://127.0.0.1:0",
        ]);

    private async Task<string> ChatAsync(Uri address, string question)
    {
        using var response = await _client.PostAsJsonAsync(
            new Uri(address, "/api/chat"),
            new
            {
                id = "test-chat",
                trigger = "submit-message",
                messages = new[]
                {
                    new
                    {
                        id = "m1",
                        role = "user",
                        parts = new[] { new { type = "text", text = question } },
                    },
                },
            },
            Token
        );
        response.EnsureSuccessStatusCode();
        var text = "";
        foreach (var line in (await response.Content.ReadAsStringAsync(Token)).Split('\n'))
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                var part = JsonDocument.Parse(line[6..]).RootElement;
                if (part.GetProperty("type").GetString() == "text-delta")
                {
                    text += part.GetProperty("delta").GetString();
                }
            }
        }

        return text;
    }

    private async Task UntilAsync(Uri address, string query, bool found)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        while (true)
        {
            var result = await _client.GetStringAsync(new Uri(address, $"/api/search?q={query}"), limit.Token);
            if (result.Contains("5.4 kilograms", StringComparison.Ordinal) == found)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
        }
    }
}
