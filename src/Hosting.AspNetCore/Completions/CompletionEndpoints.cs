using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway.Agents;
using Slipway.Agents.Turns;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;
using Slipway.Hosting.Streaming;
using Slipway.Identity;

namespace Slipway.Hosting.Completions;

/// <summary>The agent for clients of OpenAI's chat completions.</summary>
public static partial class CompletionEndpoints
{
    /// <summary>
    /// Maps <c>POST /v1/chat/completions</c>, streaming and not, and <c>GET /v1/models</c>. Stateless: the caller sends the whole history.
    /// </summary>
    public static IEndpointConventionBuilder MapSlipwayCompletions(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var group = endpoints
            .MapGroup("/v1")
            .WithTags("OpenAI-compatible")
            .WithMetadata(new OpenAIErrors())
            .AllowKeys(ApiKeyScopes.Chat)
            .ForCallers(limits => limits.MaxRequestBytes);
        group
            .MapPost("/chat/completions", (HttpContext context, ITurnRunner turns) => CompleteAsync(context, turns))
            .WithName("completions")
            .WithSummary("Asks the agent as OpenAI's chat completions do.")
            .Accepts<CompletionRequest>("application/json")
            .Produces<CompletionResponse>();
        group
            .MapGet(
                "/models",
                (IOptions<AgentOptions> agent) =>
                    Json.Result(new ModelList([Model(agent.Value)]), CompletionJsonContext.Default.ModelList)
            )
            .Produces<ModelList>()
            .WithName("models")
            .WithSummary("Lists the agents as models.");
        group
            .MapGet(
                "/models/{id}",
                (string id, IOptions<AgentOptions> agent) =>
                {
                    CheckModel(id, agent.Value);
                    return Json.Result(Model(agent.Value), CompletionJsonContext.Default.ModelInfo);
                }
            )
            .Produces<ModelInfo>()
            .WithName("model")
            .WithSummary("One agent as a model.");
        return group;
    }

    private static ModelInfo Model(AgentOptions agent) => new(agent.Name, 0);

    private static void CheckModel(string? model, AgentOptions agent)
    {
        if (!agent.Name.Equals(model, StringComparison.OrdinalIgnoreCase))
        {
            throw new Problem(
                StatusCodes.Status404NotFound,
                $"The model '{model}' does not exist. 'model' may be '{agent.Name}'."
            ).ToException();
        }
    }

    private static async Task CompleteAsync(HttpContext context, ITurnRunner turns)
    {
        var agent = context.RequestServices.GetRequiredService<IOptions<AgentOptions>>().Value;
        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        var request = await context
            .ReadBodyAsync(CompletionJsonContext.Default.CompletionRequest)
            .ConfigureAwait(false);
        CheckModel(request.Model, agent);
        var turn = CompletionTurn.From(request, context.GetPrincipal());
        var events = turns.RunAsync(turn, context.RequestAborted);
        var projection = new CompletionProjection(place => DocumentUrl(context.Request, place));
        var created = time.GetUtcNow().ToUnixTimeSeconds();
        if (request.Stream == true)
        {
            var withUsage = request.StreamOptions?.IncludeUsage == true;
            await StreamAsync(context, events, time, projection, new(agent.Name, created), withUsage)
                .ConfigureAwait(false);
            return;
        }

        await foreach (var turnEvent in events.ConfigureAwait(false))
        {
            projection.Project(turnEvent);
        }

        if (projection.Failure is { } failure)
        {
            throw Refusal(failure).ToException();
        }

        await Json.WriteAsync(
                context,
                new CompletionResponse
                {
                    Id = Id(projection),
                    Object = "chat.completion",
                    Created = created,
                    Model = agent.Name,
                    Choices = [new(0, projection.Message, null, projection.FinishReason)],
                    Usage = projection.Usage,
                },
                CompletionJsonContext.Default.CompletionResponse
            )
            .ConfigureAwait(false);
    }

    private static async Task StreamAsync(
        HttpContext context,
        IAsyncEnumerable<TurnEvent> events,
        TimeProvider time,
        CompletionProjection projection,
        ModelInfo model,
        bool withUsage
    )
    {
        var stream = new EventStream(context);
        try
        {
            await foreach (var turnEvent in events.WithHeartbeats(time, context.RequestAborted).ConfigureAwait(false))
            {
                if (turnEvent is null)
                {
                    await BeginAsync().ConfigureAwait(false);
                    await stream.WriteHeartbeatAsync().ConfigureAwait(false);
                }
                else if (projection.Project(turnEvent) is { } delta)
                {
                    await BeginAsync().ConfigureAwait(false);
                    await WriteAsync([new(0, null, delta, null)]).ConfigureAwait(false);
                }
                else if (projection.Failure is { } failure && !stream.HasStarted)
                {
                    throw Refusal(failure).ToException(); // nothing was said yet, so the status can say it
                }
            }

            await BeginAsync().ConfigureAwait(false);
            if (projection.Failure is not null)
            {
                await WriteErrorAsync(Refusal(projection.Failure)).ConfigureAwait(false);
            }
            else
            {
                await WriteAsync([new(0, null, new AnswerMessage(), projection.FinishReason)]).ConfigureAwait(false);
                if (withUsage && projection.Usage is not null)
                {
                    await WriteAsync([], projection.Usage).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (stream.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            LogBroken(context.RequestServices.GetRequiredService<ILogger<CompletionProjection>>(), exception);
            await WriteErrorAsync(new Problem(500, "Something unexpected happened; the answer is incomplete."))
                .ConfigureAwait(false);
        }

        await stream.WriteDoneAsync().ConfigureAwait(false);

        async Task BeginAsync()
        {
            if (!stream.HasStarted)
            {
                await stream.StartAsync().ConfigureAwait(false);
                await WriteAsync([new(0, null, new AnswerMessage { Role = "assistant", Content = "" }, null)])
                    .ConfigureAwait(false);
            }
        }

        Task WriteAsync(IReadOnlyList<CompletionChoice> choices, CompletionUsage? usage = null) =>
            stream.WriteAsync(
                new CompletionResponse
                {
                    Id = Id(projection),
                    Object = "chat.completion.chunk",
                    Created = model.Created,
                    Model = model.Id,
                    Choices = choices,
                    Usage = usage,
                },
                CompletionJsonContext.Default.CompletionResponse
            );

        Task WriteErrorAsync(Problem problem) =>
            stream.WriteAsync(
                OpenAIError.From(problem.Status, problem.Detail),
                CompletionJsonContext.Default.OpenAIError
            );
    }

    private static string Id(CompletionProjection projection) => "chatcmpl-" + projection.TurnId;

    private static Problem Refusal(TurnFailed failure) =>
        Problem.From(new SlipwayException(failure.Class, failure.Message));

    private static string DocumentUrl(HttpRequest request, PassageReference place) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{request.Scheme}://{request.Host}{request.PathBase}/api/documents/{Uri.EscapeDataString(place.DocumentId)}/content?start={place.Start}&end={place.End}"
        );

    [LoggerMessage(Level = LogLevel.Error, Message = "A completion stream broke.")]
    private static partial void LogBroken(ILogger logger, Exception exception);
}
