using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Knowledge;

/// <summary>A page of documents.</summary>
/// <param name="Documents">By name.</param>
/// <param name="Next">Pass as <c>after</c> for the next page; absent on the last.</param>
internal sealed record DocumentList(IReadOnlyList<DocumentView> Documents, string? Next);

/// <summary>A document and where it stands.</summary>
internal sealed record DocumentView
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string Title { get; init; }

    public required string Source { get; init; }

    public required DocumentState State { get; init; }

    public required int Version { get; init; }

    public required int Chunks { get; init; }

    public long? Size { get; init; }

    public string? MediaType { get; init; }

    public string? Uri { get; init; }

    public DateTimeOffset? ModifiedAt { get; init; }

    public DateTimeOffset? PublishedAt { get; init; }

    public string? Error { get; init; }

    public ErrorClass? ErrorClass { get; init; }

    public int Attempts { get; init; }

    public DateTimeOffset? NextActionAt { get; init; }

    public IReadOnlyList<string> Columns { get; init; } = [];

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>(0);

    public static DocumentView From(DocumentInfo document) =>
        new()
        {
            Id = document.Id,
            Name = document.Name,
            Title = document.Title,
            Source = document.Source,
            State = document.State,
            Version = document.Version,
            Chunks = document.Chunks,
            Size = document.Size,
            MediaType = document.MediaType,
            Uri = WebUri.OrNull(document.Uri),
            ModifiedAt = document.ModifiedAt,
            PublishedAt = document.PublishedAt,
            Error = document.Error,
            ErrorClass = document.ErrorClass,
            Attempts = document.Attempts,
            NextActionAt = document.NextActionAt,
            Columns = document.Columns,
            Metadata = document.Metadata,
        };
}

/// <summary>A document's current text, or a passage of it.</summary>
/// <param name="Id">The document.</param>
/// <param name="Version">The version that ranges refer to.</param>
/// <param name="Title">Its title.</param>
/// <param name="Name">Its name with path inside the source.</param>
/// <param name="Text">The whole text; absent when a passage was asked for.</param>
/// <param name="Passage">The passage that was asked for.</param>
internal sealed record DocumentContent(
    string Id,
    int Version,
    string Title,
    string Name,
    string? Text,
    DocumentPassage? Passage
);

/// <summary>A range of a document's text, in UTF-16 code units.</summary>
internal sealed record DocumentPassage(int Start, int End, string Text);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CamelCaseEnum<DocumentState>), typeof(CamelCaseEnum<ErrorClass>)]
)]
[JsonSerializable(typeof(DocumentList))]
[JsonSerializable(typeof(DocumentContent))]
[JsonSerializable(typeof(IReadOnlyList<DocumentView>))]
[JsonSerializable(typeof(SearchResult))]
internal sealed partial class KnowledgeJsonContext : JsonSerializerContext;
