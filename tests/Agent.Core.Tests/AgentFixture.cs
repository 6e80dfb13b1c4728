using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Agent.Core.Tests;

/// <summary>An agent on a database file of its own, with documents and tools that the test gives it.</summary>
internal sealed class AgentFixture : IPassageReader, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("slipway-agent-").FullName;
    private readonly SqliteDatabase _database;

    public AgentFixture()
    {
        _database = new(new SqliteStorageOptions { Path = DatabasePath }, Time);
        Conversations = new SqliteConversationStore(_database);
        Turns = new SqliteTurnStore(_database);
        LimitStore = new SqliteTurnLimitStore(_database);
    }

    public string DatabasePath => Path.Combine(_folder, "test.db");

    public FakeTimeProvider Time { get; } = new(new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public IConversationStore Conversations { get; }

    public ITurnStore Turns { get; }

    public ITurnLimitStore LimitStore { get; }

    /// <summary>The limits of each user; null for none.</summary>
    public TurnLimits? Limits { get; set; }

    public AgentOptions Options { get; } = new() { Instructions = "Be brief." };

    public List<AITool> Tools { get; } = [];

    /// <summary>Documents by id: version and text.</summary>
    public Dictionary<string, (int Version, string Text)> Documents { get; } = [];

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Names new conversations; null leaves them what they begin with.</summary>
    public ConversationTitles? Titles { get; set; }

    public TurnRunner Runner(IChatClient model) =>
        new(
            model,
            Conversations,
            Turns,
            new ToolSource((_, _) => new([.. Tools])),
            this,
            Options,
            Time,
            limiter: Limits is null ? null : new(LimitStore, Limits, new(Options.Prices), Time),
            titles: Titles
        );

    public void AddTool(string name, Func<string> tool) => Tools.Add(AIFunctionFactory.Create(tool, name));

    /// <summary>A search tool that finds these passages, whatever is asked.</summary>
    public void AddSearch(params (string Document, string Text)[] passages) =>
        Tools.Add(
            AIFunctionFactory.Create(
                (string query) =>
                    new SearchResult
                    {
                        Query = query,
                        Passages = [.. passages.Select(passage => Passage(passage.Document, passage.Text))],
                    },
                "search_knowledge",
                serializerOptions: SlipwayJsonContext.Default.Options
            )
        );

    public SearchPassage Passage(string document, string text)
    {
        var (version, whole) = Documents[document];
        var start = whole.IndexOf(text, StringComparison.Ordinal);
        return new()
        {
            DocumentId = document,
            Version = version,
            Start = start,
            End = start + text.Length,
            Title = document + " title",
            Name = document + ".md",
            Headings = ["Top", "Sub"],
            Uri = "https://example.com/" + document,
            Text = text,
        };
    }

    public ValueTask<string?> ReadAsync(
        PassageReference passage,
        Principal principal,
        CancellationToken cancellationToken = default
    ) =>
        new(
            Documents.TryGetValue(passage.DocumentId, out var document)
            && document.Version == passage.Version
            && passage.End <= document.Text.Length
                ? document.Text[passage.Start..passage.End]
                : null
        );

    public async Task<List<TurnEvent>> RunAsync(
        IChatClient model,
        string text,
        string? conversation = "c1",
        Principal? principal = null
    ) =>
        await Runner(model)
            .RunAsync(
                new()
                {
                    Principal = principal ?? Principal.Local,
                    ConversationId = conversation,
                    Messages = [new(ChatRole.User, text)],
                },
                Cancellation
            )
            .ToListAsync(Cancellation);

    public async Task<IReadOnlyList<ConversationMessage>> StoredAsync(
        string conversation = "c1",
        Principal? principal = null
    ) =>
        await Conversations.ReadMessagesAsync(
            principal ?? Principal.Local,
            conversation,
            cancellationToken: Cancellation
        );

    /// <summary>The first column of what a statement gives, read by another connection.</summary>
    public List<object?> Query(string sql)
    {
        using SqliteConnection connection = new($"Data Source={DatabasePath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var rows = command.ExecuteReader();
        List<object?> values = [];
        while (rows.Read())
        {
            values.Add(rows.IsDBNull(0) ? null : rows.GetValue(0));
        }

        return values;
    }

    /// <summary>Changes the database behind the agent's back.</summary>
    public void Execute(string sql)
    {
        using SqliteConnection connection = new($"Data Source={DatabasePath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void Dispose()
    {
        _database.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

internal static class TurnEvents
{
    public static string Text(this IEnumerable<TurnEvent> events) =>
        string.Concat(events.OfType<TextDelta>().Select(delta => delta.Text));

    public static IEnumerable<Citation> Citations(this IEnumerable<TurnEvent> events) =>
        events.OfType<CitationAdded>().Select(added => added.Citation);

    public static TurnFinished End(this IEnumerable<TurnEvent> events) => Assert.IsType<TurnFinished>(events.Last());
}
