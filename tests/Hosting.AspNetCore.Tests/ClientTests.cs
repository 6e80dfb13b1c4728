using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.AI;
using Slipway.Agents.Models;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Hosting.AspNetCore.Tests;

/// <summary>
/// The clients people use, in Node: npm's <c>ai</c> with <c>@ai-sdk/react</c>, and <c>openai</c>, against a whole server. The tests are in
/// <c>tests/clients/api</c>.
/// </summary>
public sealed class ClientTests
{
    private static readonly bool OnCI = Environment.GetEnvironmentVariable("CI") == "true";

    [Fact]
    public async Task The_javascript_clients_understand_every_word()
    {
        var folder = Path.Combine(RepositoryRoot(), "tests", "clients", "api");
        if (!OnCI)
        {
            Assert.SkipUnless(
                Directory.Exists(Path.Combine(folder, "node_modules")),
                "Run 'npm ci' in tests/clients/api to test the JavaScript clients; CI does it by itself."
            );
        }
        else if (!Directory.Exists(Path.Combine(folder, "node_modules")))
        {
            await RunAsync(
                OperatingSystem.IsWindows() ? "npm.cmd" : "npm",
                ["ci", "--no-audit", "--no-fund"],
                folder,
                null
            );
        }

        await using var server = await (await SlipwayServer.StartAsync(new ScriptedChatClient(Answer))).IngestAsync();
        await RunAsync("node", ["--test", "--test-reporter=spec"], folder, server.Url.ToString().TrimEnd('/'));
    }

    /// <summary>What the scripts ask for by one word; everything else is answered from the documents.</summary>
    private static IAsyncEnumerable<AIContent> Answer(
        IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken
    )
    {
        var questions = messages.Where(message => message.Role == ChatRole.User).ToList();
        var results = messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().ToList();
        return questions[^1].Text switch
        {
            "think" => Say(new TextReasoningContent("Let me see."), new TextContent("Seen."))(
                messages,
                cancellationToken
            ),
            "count" => Say(
                questions.Count == 1
                    ? "1 question"
                    : string.Create(CultureInfo.InvariantCulture, $"{questions.Count} questions")
            )(messages, cancellationToken),
            "break" => SayThenFail("Well, ", Outage())(messages, cancellationToken),
            "refuse" => SayThenFail("", Outage())(messages, cancellationToken),
            "hang" => SayThenHang("Waiting")(messages, cancellationToken),
            "usage" => Say(
                new TextContent("Counted."),
                new UsageContent(new UsageDetails { InputTokenCount = 5, OutputTokenCount = 2 })
            )(messages, cancellationToken),
            "weather" when results.Count == 0 => Call("get_weather", new { city = "Oslo" }, "call-1")(
                messages,
                cancellationToken
            ),
            "weather" => Say("The weather: " + results[^1].Result)(messages, cancellationToken),
            _ => Quote(messages, cancellationToken),
        };
    }

    private static IAsyncEnumerable<AIContent> Quote(
        IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken
    ) =>
        new ExtractiveChatClient()
            .GetStreamingResponseAsync(
                messages,
                new ChatOptions { Tools = [AIFunctionFactory.Create(() => "", ExtractiveChatClient.SearchToolName)] },
                cancellationToken
            )
            .SelectMany(update => update.Contents.ToAsyncEnumerable());

    private static SlipwayException Outage() => new(ErrorClass.Transient, "The model is out.", "Try again later.");

    private static async Task RunAsync(string program, string[] arguments, string folder, string? url)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (url is not null)
        {
            start.Environment["SLIPWAY_URL"] = url;
        }

        Process? process = null;
        try
        {
            process = Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception) when (!OnCI)
        {
            Assert.Skip($"'{program}' is not installed.");
        }

        var token = TestContext.Current.CancellationToken;
        using (process)
        {
            try
            {
                var output = process!.StandardOutput.ReadToEndAsync(token);
                var error = process.StandardError.ReadToEndAsync(token);
                await process.WaitForExitAsync(token);
                Assert.True(
                    process.ExitCode == 0,
                    $"{program} ended with {process.ExitCode}:\n{await output}\n{await error}"
                );
            }
            finally
            {
                if (!process!.HasExited)
                {
                    process.Kill(entireProcessTree: true);
                }
            }
        }
    }

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Library.sln")))
        {
            folder =
                Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("Library.sln was not found above the tests.");
        }

        return folder;
    }
}
