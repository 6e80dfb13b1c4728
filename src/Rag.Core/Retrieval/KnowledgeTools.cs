using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;
using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval;

/// <summary>The tools by which a model uses knowledge: search, list, read. They see what their principal may read.</summary>
/// <remarks>Safe for concurrent use.</remarks>
/// <param name="retrieval">Searches.</param>
/// <param name="documents">Lists and reads.</param>
public sealed class KnowledgeTools(RetrievalPipeline retrieval, IDocumentStore documents)
{
    /// <summary>Name of the search tool.</summary>
    public const string SearchName = "search_knowledge";

    /// <summary>Name of the listing tool.</summary>
    public const string ListName = "list_documents";

    /// <summary>Name of the reading tool.</summary>
    public const string ReadName = "get_document";

    internal const int MaxPassages = 20;
    internal const int PageSize = 50;
    internal const int MaxCharacters = 20_000;

    private static readonly Dictionary<string, object?> Idempotent = new(StringComparer.Ordinal)
    {
        [ToolProperties.Idempotent] = true,
    };

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        TypeInfoResolver = JsonTypeInfoResolver.Combine(SlipwayJsonContext.Default, KnowledgeToolsJsonContext.Default),
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>The tools of one principal in one collection. Make them for each turn: they carry who asks.</summary>
    public IList<AITool> For(Principal principal, CollectionKey collection)
    {
        ArgumentNullException.ThrowIfNull(principal);
        var bound = new BoundTools(retrieval, documents, principal, collection);
        return
        [
            AIFunctionFactory.Create(bound.SearchAsync, Tool(SearchName)),
            AIFunctionFactory.Create(bound.ListAsync, Tool(ListName)),
            AIFunctionFactory.Create(bound.ReadAsync, Tool(ReadName)),
        ];
    }

    // They only read, so a turn that another process goes on with runs them again.
    private static AIFunctionFactoryOptions Tool(string name) =>
        new()
        {
            Name = name,
            SerializerOptions = Json,
            AdditionalProperties = Idempotent,
        };

    private sealed class BoundTools(
        RetrievalPipeline retrieval,
        IDocumentStore documents,
        Principal principal,
        CollectionKey collection
    )
    {
        [Description(
            "Searches the knowledge base and returns the passages that answer best, with the document, version and character range of each. "
                + "Search again with other words when the first result does not answer."
        )]
        public async Task<SearchResult> SearchAsync(
            [Description("What to look for: a question or key words.")] string query,
            [Description("How many passages, 1 to 20.")] int count = 4,
            [Description(
                "Only in this folder, or in this one document: the start of its name up to a '/', or all of it."
            )]
                string? path = null,
            CancellationToken cancellationToken = default
        )
        {
            if (path?.Length > SearchFilter.MaxTextLength)
            {
                return new SearchResult
                {
                    Query = query,
                    Passages = [],
                    Note = "There is no such path. Call list_documents for the names.",
                };
            }

            var passages = await retrieval
                .RetrieveAsync(
                    new RetrievalRequest
                    {
                        Query = query,
                        Count = Math.Clamp(count, 1, MaxPassages),
                        Collection = collection,
                        Principal = principal,
                        Filter = string.IsNullOrEmpty(path) ? null : SearchFilter.Path(StorableText.Of(path)),
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            return new SearchResult
            {
                Query = query,
                Passages = [.. passages.Select(passage => passage.ToSearchPassage())],
                Note =
                    passages.Note
                    ?? (
                        passages.Count > 0 ? null
                        : path is null ? "Nothing was found. Try other words, or list_documents to see what there is."
                        : $"Nothing was found in '{(path.Length <= 200 ? path : path[..200] + "…")}'. Try without 'path', or list_documents to see what there is."
                    ),
            };
        }

        [Description(
            "Lists the documents of the knowledge base by name: id, title, address, and the columns of those that are tables."
        )]
        public async Task<DocumentList> ListAsync(
            [Description("Only documents whose name or title contains this text.")] string? contains = null,
            [Description("To go on: the 'next' of the page before.")] string? after = null,
            CancellationToken cancellationToken = default
        )
        {
            var page = await documents
                .ListAsync(
                    new DocumentQuery
                    {
                        Collection = collection,
                        Principal = principal,
                        Contains = contains,
                        After = after,
                        Limit = PageSize,
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            return new DocumentList(
                [
                    // What has no version yet cannot be read.
                    .. page
                        .Documents.Where(document => document.Version > 0)
                        .Select(document => new DocumentListItem(
                            document.Id,
                            document.Title,
                            document.Name,
                            WebAddress.OrNull(document.Uri),
                            document.Columns.Count == 0 ? null : document.Columns
                        )),
                ],
                page.Next,
                page.Next is null
                    ? null
                    : "There are more documents: call list_documents again with 'after' set to 'next'."
            );
        }

        [Description("Reads a document's text in order, up to 20,000 characters at a time.")]
        public async Task<SearchResult> ReadAsync(
            [Description("The document's id, from search_knowledge or list_documents.")] string document_id,
            [Description("First character to read; 0 for the start.")] int offset = 0,
            CancellationToken cancellationToken = default
        )
        {
            var document = await documents.FindAsync(principal, document_id, cancellationToken).ConfigureAwait(false);
            var content =
                document?.Collection == collection
                    ? await documents.ReadTextAsync(principal, document_id, cancellationToken).ConfigureAwait(false)
                    : null;
            if (document is null || content is null)
            {
                return Nothing($"There is no document with the id '{document_id}'. Call list_documents for the ids.");
            }

            var length = content.Text.Length;
            if (offset < 0 || offset >= length)
            {
                return Nothing(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"The document has {length} characters; 'offset' is outside."
                    )
                );
            }

            var end = EndOfPart(content.Text, offset);
            return new SearchResult
            {
                Query = document_id,
                Passages =
                [
                    new SearchPassage
                    {
                        DocumentId = document.Id,
                        Version = content.Version,
                        Start = offset,
                        End = end,
                        Title = document.Title,
                        Name = document.Name,
                        Uri = WebAddress.OrNull(document.Uri),
                        Score = 1,
                        Text = content.Text[offset..end],
                    },
                ],
                Note =
                    end == length
                        ? null
                        : string.Create(
                            CultureInfo.InvariantCulture,
                            $"Characters {offset} to {end} of {length}. To go on, call get_document with offset {end}."
                        ),
            };

            SearchResult Nothing(string note) =>
                new()
                {
                    Query = document_id,
                    Passages = [],
                    Note = note,
                };
        }

        /// <summary>At the end of a line if one is near, never inside of a character.</summary>
        private static int EndOfPart(string text, int start)
        {
            if (text.Length - start <= MaxCharacters)
            {
                return text.Length;
            }

            var end = start + MaxCharacters;
            var line = text.LastIndexOf('\n', end - 1, MaxCharacters / 4);
            if (line >= 0)
            {
                return line + 1;
            }

            return char.IsLowSurrogate(text[end]) ? end - 1 : end;
        }
    }
}

/// <summary>What <c>list_documents</c> answers.</summary>
/// <param name="Documents">The documents of this page, by name.</param>
/// <param name="Next">For the next page; null on the last.</param>
/// <param name="Note">How to go on.</param>
internal sealed record DocumentList(IReadOnlyList<DocumentListItem> Documents, string? Next, string? Note);

/// <summary>One of them.</summary>
internal sealed record DocumentListItem(
    string Id,
    string Title,
    string Name,
    string? Uri,
    IReadOnlyList<string>? Columns
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DocumentList))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
internal sealed partial class KnowledgeToolsJsonContext : JsonSerializerContext;
