using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Slipway.Agents.Conversations;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Knowledge;
using Slipway.Hosting.Problems;
using Slipway.Identity;

namespace Slipway.Hosting.Conversations;

/// <summary>A user's own conversations.</summary>
public static partial class ConversationEndpoints
{
    private const string Route = "/api/conversations";
    private const int DefaultLimit = 50;
    private const int MaxLimit = 1_000;
    private const int DefaultExchanges = 20;
    private const int MaxExchanges = 200;
    private const int MaxTitleLength = 200;

    /// <summary>
    /// Maps <c>/api/conversations</c>: list and search, messages, rename, delete, export and attachments. Each caller sees their own.
    /// </summary>
    public static IEndpointConventionBuilder MapSlipwayConversations(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var group = endpoints
            .MapGroup(Route)
            .WithTags("Conversations")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .AllowKeys(ApiKeyScopes.Chat)
            .ForCallers(limits => limits.MaxRequestBytes);
        group
            .MapGet("", ListAsync)
            .WithName("conversations")
            .WithSummary(
                "Lists conversations, the most recent first; with q those whose title or messages hold every word of it, whatever the case."
            )
            .Produces<ConversationList>();
        group
            .MapGet("/{id}", FindAsync)
            .WithName("conversation")
            .WithSummary("One conversation.")
            .Produces<ConversationView>();
        group
            .MapPatch("/{id}", RenameAsync)
            .WithName("rename-conversation")
            .WithSummary("Gives a conversation another title.")
            .Accepts<ConversationChange>("application/json")
            .Produces<ConversationView>();
        group
            .MapDelete("/{id}", DeleteAsync)
            .WithName("delete-conversation")
            .WithSummary("Deletes a conversation with its messages and attachments, for good.")
            .Produces(StatusCodes.Status204NoContent);
        group
            .MapGet("/{id}/messages", MessagesAsync)
            .WithName("conversation-messages")
            .WithSummary(
                "The newest messages as UI messages; limit counts the user's messages, before goes on to the page before."
            )
            .Produces<MessageList>();
        group
            .MapGet("/{id}/export", ExportAsync)
            .WithName("export-conversation")
            .WithSummary("The whole conversation as a file: format json or markdown.")
            .Produces<ConversationExport>()
            .Produces(StatusCodes.Status200OK, contentType: "text/markdown");
        group
            .MapGet("/{id}/attachments/{attachment}", AttachmentAsync)
            .WithName("conversation-attachment")
            .WithSummary("The bytes of a file that was attached to a message.")
            .Produces(StatusCodes.Status200OK, contentType: "application/octet-stream");
        return group;
    }

    private static async Task<IResult> ListAsync(
        HttpContext context,
        IConversationStore conversations,
        string? q,
        string? after,
        string? limit
    )
    {
        var size = QueryNumber.Parse("limit", limit, DefaultLimit, MaxLimit);
        if (string.IsNullOrWhiteSpace(q))
        {
            var page = await conversations
                .ListAsync(context.GetPrincipal(), size, Cursor(after), context.RequestAborted)
                .ConfigureAwait(false);
            return List(new ConversationList([.. page.Conversations.Select(ConversationView.From)], page.Next));
        }

        var found = await conversations
            .SearchAsync(context.GetPrincipal(), q, size, Cursor(after), context.RequestAborted)
            .ConfigureAwait(false);
        return List(new ConversationList([.. found.Matches.Select(ConversationView.From)], found.Next));

        static IResult List(ConversationList list) =>
            Json.Result(list, ConversationJsonContext.Default.ConversationList);
    }

    private static async Task<IResult> FindAsync(HttpContext context, IConversationStore conversations, string id) =>
        View(await FindOrThrowAsync(context, conversations, PathText.Decode(context, id)).ConfigureAwait(false));

    private static async Task<IResult> RenameAsync(HttpContext context, IConversationStore conversations, string id)
    {
        id = PathText.Decode(context, id);
        var change = await context
            .ReadBodyAsync(ConversationJsonContext.Default.ConversationChange)
            .ConfigureAwait(false);
        var title = change.Title?.Trim();
        if (string.IsNullOrEmpty(title) || title.Length > MaxTitleLength || title.Any(char.IsControl))
        {
            throw Problem
                .Invalid($"'title' may have 1 to {MaxTitleLength} characters, and no control characters.")
                .ToException();
        }

        return await conversations
            .RenameAsync(context.GetPrincipal(), id, title, context.RequestAborted)
            .ConfigureAwait(false)
            ? View(await FindOrThrowAsync(context, conversations, id).ConfigureAwait(false))
            : throw NotFound(id);
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, IConversationStore conversations, string id)
    {
        id = PathText.Decode(context, id);
        return await conversations.DeleteAsync(context.GetPrincipal(), id, context.RequestAborted).ConfigureAwait(false)
            ? Results.NoContent()
            : throw NotFound(id);
    }

    private static async Task<IResult> MessagesAsync(
        HttpContext context,
        IConversationStore conversations,
        string id,
        string? before,
        string? limit
    )
    {
        id = PathText.Decode(context, id);
        var exchanges = QueryNumber.Parse("limit", limit, DefaultExchanges, MaxExchanges);
        long? mark =
            string.IsNullOrEmpty(before) ? null
            : long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence) ? sequence
            : throw Problem
                .Invalid("'before' is not one that was given out. Leave it out for the newest messages.")
                .ToException();
        await FindOrThrowAsync(context, conversations, id).ConfigureAwait(false);
        var messages = await ReadAsync(exchanges, mark).ConfigureAwait(false);
        var more = messages.Count > 0 && (await ReadAsync(1, messages[0].Sequence).ConfigureAwait(false)).Count > 0;
        return Json.Result(
            new MessageList(
                StoredUIMessages.From(messages, Attachments(context, id)),
                more ? messages[0].Sequence.ToString(CultureInfo.InvariantCulture) : null
            ),
            ConversationJsonContext.Default.MessageList
        );

        ValueTask<IReadOnlyList<ConversationMessage>> ReadAsync(int count, long? before) =>
            conversations.ReadMessagesAsync(context.GetPrincipal(), id, count, before, context.RequestAborted);
    }

    private static async Task<IResult> ExportAsync(
        HttpContext context,
        IConversationStore conversations,
        string id,
        string? format
    )
    {
        id = PathText.Decode(context, id);
        if (format is not (null or "" or "json" or "markdown"))
        {
            throw Problem.Invalid($"'format' is '{format}'; it may be json or markdown.").ToException();
        }

        var conversation = await FindOrThrowAsync(context, conversations, id).ConfigureAwait(false);
        var messages = await conversations
            .ReadMessagesAsync(context.GetPrincipal(), id, cancellationToken: context.RequestAborted)
            .ConfigureAwait(false);
        var export = new ConversationExport(
            ConversationView.From(conversation),
            StoredUIMessages.From(messages, Attachments(context, id))
        );
        if (format == "markdown")
        {
            Download(context, "conversation.md");
            return Results.Text(ConversationMarkdown.Write(export), "text/markdown", Encoding.UTF8);
        }

        Download(context, "conversation.json");
        return Json.Result(export, ConversationJsonContext.Default.ConversationExport);
    }

    private static void Download(HttpContext context, string name)
    {
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        context.Response.Headers.XContentTypeOptions = "nosniff";
    }

    private static IResult View(Conversation conversation) =>
        Json.Result(ConversationView.From(conversation), ConversationJsonContext.Default.ConversationView);

    private static string Attachments(HttpContext context, string id) =>
        $"{context.Request.PathBase}{Route}/{Uri.EscapeDataString(id)}/attachments/";

    private static string? Cursor(string? after) => string.IsNullOrEmpty(after) ? null : after;

    private static async ValueTask<Conversation> FindOrThrowAsync(
        HttpContext context,
        IConversationStore conversations,
        string id
    ) =>
        await conversations.FindAsync(context.GetPrincipal(), id, context.RequestAborted).ConfigureAwait(false)
        ?? throw NotFound(id);

    private static ProblemException NotFound(string id) => Problem.NotFound("conversation", id).ToException();
}
