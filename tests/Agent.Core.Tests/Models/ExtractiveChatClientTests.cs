using Microsoft.Extensions.AI;
using Slipway.Agents.Models;
using Slipway.Agents.Turns;

namespace Slipway.Agent.Core.Tests.Models;

public sealed class ExtractiveChatClientTests : IDisposable
{
    private const string Manual = """
        ---
        title: Machine manual
        ---
        # Machine

        The machine has one boiler. Descale it once a year, e.g. in May. Do not use vinegar: it attacks the copper.

        ## Descaling

        How often you descale depends on the water.

        1. Switch off and let the machine cool.
        2. Dissolve 60 g of *descaler* in 2 litres of water.

        ## Messages

        | Message | Meaning |
        |---|---|
        | E07 | No water pressure |
        | E08 | Door [open](doors.md) |

        ```sh
        curl http://heron/v1/state
        ```
        """;

    private readonly AgentFixture _agent = new();
    private readonly List<string> _queries = [];

    public void Dispose() => _agent.Dispose();

    [Fact]
    public async Task It_searches_quotes_and_cites()
    {
        Knowledge(("manual", Manual));

        var events = await AskAsync("May I use vinegar?");

        Assert.Equal(["May I use vinegar?"], _queries);
        Assert.Contains("Do not use vinegar: it attacks the copper. [1]", events.Text(), StringComparison.Ordinal);
        Assert.Contains("No language model is configured", events.Text(), StringComparison.Ordinal);
        Assert.Contains("LLM_API_KEY", events.Text(), StringComparison.Ordinal);
        var citation = Assert.Single(events.Citations());
        Assert.True(citation.Verified);
        Assert.Equal("Do not use vinegar: it attacks the copper.", citation.Quote);
    }

    [Theory]
    [InlineData(
        "How do I descale it?",
        "1. Switch off and let the machine cool.\n2. Dissolve 60 g of *descaler* in 2 litres of water. [1]"
    )]
    [InlineData("What does E07 mean?", "Message: E07; Meaning: No water pressure [1]")]
    [InlineData("What does the door message mean?", "Message: E08; Meaning: Door open [1]")]
    [InlineData("curl the state", "```sh\ncurl http://heron/v1/state\n```\n\n[1]")]
    [InlineData("How often must it be descaled?", "How often you descale depends on the water.")]
    [InlineData("one boiler?", "The machine has one boiler. Descale it once a year, e.g. in May. [1]")]
    public async Task Steps_rows_and_code_read_well(string question, string expected)
    {
        Knowledge(("manual", Manual));

        var events = await AskAsync(question);

        Assert.Contains(expected, events.Text(), StringComparison.Ordinal);
        Assert.All(events.Citations(), citation => Assert.True(citation.Verified));
    }

    [Fact]
    public async Task Rows_of_tables_and_objects_of_JSON_are_answers_by_themselves()
    {
        Knowledge(
            ("prices", "Article: A1; Name: Tamper; Price: 62.00\nArticle: A2; Name: Jug; Price: 19.50"),
            (
                "places",
                "[\n  {\n    \"name\": \"Leeds\",\n    \"hours\": [\"Mon\", \"Tue\"],\n    \"lead\": \"Marcus\"\n  },\n  {\n    \"name\": \"Bath\",\n    \"lead\": \"Ann\"\n  }\n]"
            )
        );

        Assert.Contains(
            "Article: A2; Name: Jug; Price: 19.50 [1]",
            (await AskAsync("price of the jug")).Text(),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "name: Leeds; hours: Mon, Tue; lead: Marcus [1]",
            (await AskAsync("lead in Leeds", "c2")).Text(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Several_passages_are_quoted_when_they_are_as_good()
    {
        Knowledge(
            ("a", "Refunds take five days."),
            ("b", "Refunds for gift cards take ten days."),
            ("c", "The weather is nice.")
        );

        var events = await AskAsync("How long do refunds take?");

        Assert.Equal(["a", "b"], events.Citations().Select(citation => citation.Passage.DocumentId));
    }

    [Theory]
    [InlineData("Who is the president?", "I found nothing about this")]
    [InlineData(
        "Who is the copper president of the football club in Genoa?",
        "I found nothing that clearly answers this. The closest passage:"
    )]
    public async Task It_says_when_there_is_no_answer(string question, string expected)
    {
        Knowledge(("manual", Manual));

        Assert.StartsWith(expected, (await AskAsync(question)).Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_found_is_said()
    {
        Knowledge();

        var events = await AskAsync("anything?");

        Assert.StartsWith("I found nothing about this in the documents.", events.Text(), StringComparison.Ordinal);
        Assert.Empty(events.Citations());
    }

    [Theory]
    [InlineData("And in winter?", "What is the opening time of the shop? And in winter?")]
    [InlineData("How much does it cost?", "What is the opening time of the shop? How much does it cost?")]
    [InlineData("Where are the spare parts for grinders kept?", "Where are the spare parts for grinders kept?")]
    public async Task A_question_that_leans_on_the_one_before_takes_it_along(string question, string searched)
    {
        Knowledge(("manual", Manual));
        await AskAsync("What is the opening time of the shop?");

        await AskAsync(question);

        Assert.Equal(searched, _queries[^1]);
    }

    [Fact]
    public async Task Without_documents_or_search_it_says_so()
    {
        Assert.StartsWith("I have no documents", (await AskAsync("hi")).Text(), StringComparison.Ordinal);

        _agent.Tools.Add(
            AIFunctionFactory.Create(
                string () => throw new SlipwayException(ErrorClass.Transient, "The index is busy."),
                ExtractiveChatClient.SearchToolName
            )
        );
        Assert.Contains("The index is busy.", (await AskAsync("hi there you", "c2")).Text(), StringComparison.Ordinal);
    }

    /// <summary>As any chat client: with the pieces of Microsoft.Extensions.AI, and a search tool with names of its own.</summary>
    [Fact]
    public async Task It_works_without_the_agent()
    {
        _agent.Documents["a"] = (1, "Refunds take five days.");
        IChatClient model = new ExtractiveChatClient();
        var search = AIFunctionFactory.Create(
            (string what, int count) =>
                new SearchResult
                {
                    Query = $"{what}/{count}",
                    Passages = [_agent.Passage("a", "Refunds take five days.")],
                },
            ExtractiveChatClient.SearchToolName,
            serializerOptions: SlipwayJsonContext.Default.Options
        );
        List<ChatMessage> messages = [new(ChatRole.User, "How long do refunds take?")];

        var asked = await model.GetResponseAsync(messages, new() { Tools = [search] }, AgentFixture.Cancellation);
        var call = Assert.Single(asked.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
        Assert.Equal(["what", "count"], call.Arguments!.Keys);

        messages.AddRange(asked.Messages);
        var found = await search.InvokeAsync(new(call.Arguments), AgentFixture.Cancellation);
        messages.Add(new(ChatRole.Tool, [new FunctionResultContent(call.CallId, found)]));
        var answer = await model.GetResponseAsync(messages, new() { Tools = [search] }, AgentFixture.Cancellation);

        Assert.Contains(
            "Refunds take five days. [[p1: \"Refunds take five days.\"]]",
            answer.Text,
            StringComparison.Ordinal
        );
        Assert.Equal(ExtractiveChatClient.ModelId, answer.ModelId);
        Assert.Equal(ExtractiveChatClient.ModelId, model.GetService<ChatClientMetadata>()!.DefaultModelId);
        Assert.Same(model, model.GetService<ExtractiveChatClient>());
        model.Dispose();
    }

    private void Knowledge(params (string Id, string Text)[] documents)
    {
        foreach (var (id, text) in documents)
        {
            _agent.Documents[id] = (1, text);
        }

        _agent.Tools.Add(
            AIFunctionFactory.Create(
                (string query) =>
                {
                    _queries.Add(query);
                    return new SearchResult
                    {
                        Query = query,
                        Passages = [.. documents.Select(document => _agent.Passage(document.Id, document.Text))],
                    };
                },
                ExtractiveChatClient.SearchToolName,
                serializerOptions: SlipwayJsonContext.Default.Options
            )
        );
    }

    private Task<List<TurnEvent>> AskAsync(string question, string conversation = "c1") =>
        _agent.RunAsync(new ExtractiveChatClient(), question, conversation);
}
