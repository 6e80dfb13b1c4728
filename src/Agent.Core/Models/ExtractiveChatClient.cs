using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Models.Internal;
using Slipway.Agents.Tools;

namespace Slipway.Agents.Models;

/// <summary>
/// The model of an agent for which none is configured: it searches the knowledge with the user's question and answers with
/// quotations, each with its citation. It needs no key, no server and no time.
/// </summary>
/// <remarks>Safe for concurrent use; it keeps nothing.</remarks>
public sealed class ExtractiveChatClient : IChatClient
{
    /// <summary>The tool that it calls when it is among the tools: <c>search_knowledge</c>.</summary>
    public const string SearchToolName = "search_knowledge";

    /// <summary>The model's name in responses: <c>extractive</c>.</summary>
    public const string ModelId = "extractive";

    private const string NoModel =
        "_No language model is configured, so this is quoted from the documents. "
        + "Set LLM_CHOICE, LLM_BASE_URL and LLM_API_KEY for written answers._";

    // Below it the quoted words are about something else more often than not.
    private const double ClearAnswer = 0.35;

    private const int PassagesToRead = 8;
    private const int MaxQuoteLength = 800;
    private const int DeltaLength = 24;

    private static readonly ChatClientMetadata Metadata = new("slipway", null, ModelId);

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken)
            .ToChatResponseAsync(cancellationToken)
            .ConfigureAwait(false);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await Task.CompletedTask.ConfigureAwait(false);
        var id = Guid.CreateVersion7().ToString("N");
        var conversation = messages.ToList();
        var asked = conversation.FindLastIndex(message => message.Role == ChatRole.User);
        var question = Question(conversation, asked);
        var search = options
            ?.Tools?.OfType<AIFunctionDeclaration>()
            .FirstOrDefault(tool => tool.Name == SearchToolName);
        var results = conversation
            .Skip(asked + 1)
            .SelectMany(message => message.Contents)
            .OfType<FunctionResultContent>()
            .ToList();

        if (search is not null && results.Count == 0 && question.Length > 0)
        {
            FunctionCallContent call = new("call_" + id, search.Name, Arguments(search, question));
            yield return Update(id, call, ChatFinishReason.ToolCalls);
            yield break;
        }

        var answer = Answer(question, search is not null, results);
        for (var at = 0; at < answer.Length; at += DeltaLength)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return Update(id, new TextContent(answer.Substring(at, Math.Min(DeltaLength, answer.Length - at))));
        }

        yield return Update(id, null, ChatFinishReason.Stop);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? Metadata
        : serviceType?.IsInstanceOfType(this) == true ? this
        : null;

    /// <summary>Does nothing: there is nothing to release.</summary>
    public void Dispose() { }

    private static ChatResponseUpdate Update(string id, AIContent? content, ChatFinishReason? finishReason = null) =>
        new(ChatRole.Assistant, content is null ? [] : [content])
        {
            ResponseId = id,
            MessageId = id,
            ModelId = ModelId,
            FinishReason = finishReason,
        };

    /// <summary>The user's last message; with the one before when it says little by itself.</summary>
    private static string Question(List<ChatMessage> conversation, int asked)
    {
        var question = asked < 0 ? "" : conversation[asked].Text.Trim();
        if (question.Length == 0 || !Terms.LeansOnContext(question))
        {
            return question;
        }

        var before = conversation.Take(asked).LastOrDefault(message => message.Role == ChatRole.User)?.Text.Trim();
        return string.IsNullOrEmpty(before) ? question : $"{before} {question}";
    }

    /// <summary>The question under the tool's own name for it, and more passages than a model would want to read.</summary>
    private static Dictionary<string, object?> Arguments(AIFunctionDeclaration search, string question)
    {
        var parameters =
            search.JsonSchema.ValueKind == JsonValueKind.Object
            && search.JsonSchema.TryGetProperty("properties", out var properties)
            && properties.ValueKind == JsonValueKind.Object
                ? properties.EnumerateObject().Select(property => property.Name).ToList()
                : [];
        Dictionary<string, object?> arguments = new(StringComparer.Ordinal)
        {
            [parameters.Contains("query") ? "query" : parameters.FirstOrDefault("query")] = question,
        };
        if (parameters.Contains("count"))
        {
            arguments["count"] = PassagesToRead;
        }

        return arguments;
    }

    private static string Answer(string question, bool canSearch, List<FunctionResultContent> results)
    {
        if (!canSearch)
        {
            return "I have no documents to look this up in. " + NoModel;
        }

        var searches = results.Select(ReadSearch).OfType<SearchResult>().ToList();
        if (searches.Count == 0)
        {
            var error = results.Select(result => result.Result).OfType<string>().FirstOrDefault();
            return $"The documents could not be searched. {error}\n\n{NoModel}";
        }

        Extraction extraction = new(question, [.. searches.SelectMany(search => search.Passages)]);
        var excerpts = extraction.Choose();
        if (excerpts.Count == 0)
        {
            return $"I found nothing about this in the documents.\n\n{NoModel}";
        }

        StringBuilder answer = new();
        if (extraction.Coverage(excerpts) < ClearAnswer)
        {
            answer.Append("I found nothing that clearly answers this. The closest passage:\n\n");
            excerpts = excerpts[..1];
        }

        foreach (var excerpt in excerpts)
        {
            Append(answer, excerpt);
        }

        return answer.Append(NoModel).ToString();
    }

    private static void Append(StringBuilder answer, Excerpt excerpt)
    {
        var passage = excerpt.Passage;
        var heading = excerpt.Units[0].Heading ?? (passage.Headings.Count > 0 ? passage.Headings[^1] : passage.Title);
        answer
            .Append("**")
            .Append(passage.Title)
            .Append(heading == passage.Title ? "" : " › " + heading)
            .Append("**\n\n");
        for (var i = 0; i < excerpt.Units.Count; i++)
        {
            var unit = excerpt.Units[i];
            var line = unit.Kind is UnitKind.ListItem or UnitKind.Row && excerpt.Units.Count > 1;
            answer.Append(
                i == 0 ? ""
                : unit.Kind == UnitKind.Code ? "\n\n"
                : line ? "\n"
                : " "
            );
            answer.Append(line ? unit.Mark + " " : "").Append(unit.Shown);
        }

        var start = excerpt.Units[0].Start;
        var end = Math.Min(excerpt.Units[^1].End, start + MaxQuoteLength);
        var quote = excerpt.Passage.Text![start..end].Replace("\\", "\\\\", StringComparison.Ordinal);
        answer.Append(excerpt.Units[^1].Kind == UnitKind.Code ? "\n\n" : " ");
        answer.Append("[[").Append(excerpt.Passage.Ref).Append(": \"");
        answer.Append(quote.Replace("\"", "\\\"", StringComparison.Ordinal)).Append("\"]]\n\n");
    }

    // The turn hands over what was found; a pipeline with UseFunctionInvocation gives the tool's own JSON.
    private static SearchResult? ReadSearch(FunctionResultContent content)
    {
        var search = content.RawRepresentation as SearchResult ?? ToolOutcome.From(content.Result).Search;
        return search is null
            ? null
            : search with
            {
                Passages =
                [
                    .. search.Passages.Select((passage, i) => passage with { Ref = passage.Ref ?? $"p{i + 1}" }),
                ],
            };
    }
}
