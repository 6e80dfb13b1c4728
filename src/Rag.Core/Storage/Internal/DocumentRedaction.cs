using System.Buffers;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Slipway.Rag.Storage.Internal;

/// <summary>
/// Takes one document out of what conversations and runs have stored. A reference to it stays as its id, version and range; title, name,
/// headings, address and quote go. Words that were copied from it become blocks of the same length, so that the positions of citations
/// stay right.
/// </summary>
/// <remarks>
/// Copied is what has four words in a row with the document in common: fewer stand in many texts by chance. Paraphrases are not found.
/// </remarks>
internal sealed class DocumentRedaction
{
    public const string Erased = "(erased)";

    private const int WordsInARow = 4;
    private const char Block = '█';

    private static readonly JsonWriterOptions Compact = new()
    {
        // As before: what is stored is never put into HTML unescaped.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly string _documentId;
    private readonly string _name;
    private readonly HashSet<ulong> _phrases = []; // hashes: a book has as many phrases as words
    private readonly int _longest;

    /// <param name="documentId">The document.</param>
    /// <param name="name">Its name, as runs report it.</param>
    /// <param name="title">Its title.</param>
    /// <param name="text">Its stored text.</param>
    public DocumentRedaction(string documentId, string name, string title, string text)
    {
        (_documentId, _name) = (documentId, name);
        // A title of one word, such as "Boiler", is everybody's.
        _longest = Math.Max(AddPhrases(name, leastWords: 2), AddPhrases(title, leastWords: 2));
        _longest = Math.Max(_longest, AddPhrases(text, leastWords: 1));
    }

    /// <summary>A stored message or step.</summary>
    public string RedactJson(string json) => RedactJson([json])[0];

    /// <summary>
    /// The stored events of a turn, in order: a copied sentence may be spread over many of them, so the members <c>text</c> are looked at
    /// as one.
    /// </summary>
    public IReadOnlyList<string> RedactJson(IReadOnlyList<string> json)
    {
        var nodes = json.Select(Parse).ToList();
        var before = nodes.ConvertAll(Write);
        var parts = nodes.OfType<JsonObject>().Where(part => Text(part["text"]) is not null).ToList();
        var texts = parts.ConvertAll(part => Text(part["text"])!);
        var (whole, at) = (RedactText(string.Concat(texts)), 0);
        for (var i = 0; i < parts.Count; at += texts[i].Length, i++)
        {
            Replace(parts[i], "text", whole.Substring(at, texts[i].Length));
        }

        foreach (var node in nodes)
        {
            Redact(node);
        }

        // What has not changed stays as it was written, to the letter.
        return
        [
            .. nodes.Select(
                (node, i) =>
                    node is null or JsonValue ? RedactText(json[i])
                    : Write(node) is var after && after == before[i] ? json[i]
                    : after
            ),
        ];
    }

    /// <summary>The report of a run: whose errors these were, and what they said.</summary>
    public string RedactReport(string json)
    {
        if (Parse(json) is not JsonObject report || report["errors"] is not JsonArray errors)
        {
            return json;
        }

        var found = errors.OfType<JsonObject>().Where(error => Text(error["name"]) == _name).ToList();
        foreach (var error in found)
        {
            error["name"] = Erased;
            error["message"] = Erased;
        }

        return found.Count == 0 ? json : Write(report);
    }

    /// <summary>Plain text.</summary>
    public string RedactText(string text)
    {
        var words = Words(text);
        char[]? redacted = null;
        for (var i = 0; i < words.Count; i++)
        {
            for (var count = Math.Min(_longest, words.Count - i); count > 0; count--)
            {
                if (_phrases.Contains(Phrase(text, words, i, count)))
                {
                    redacted ??= text.ToCharArray();
                    foreach (var word in words.GetRange(i, count))
                    {
                        redacted.AsSpan(word).Fill(Block);
                    }

                    break;
                }
            }
        }

        return redacted is null ? text : new string(redacted);
    }

    private void Redact(JsonNode? node)
    {
        switch (node)
        {
            case JsonArray array:
                foreach (var (i, item) in array.ToList().Index())
                {
                    if (Text(item) is { } text)
                    {
                        array[i] = RedactValue(text);
                    }
                    else
                    {
                        Redact(item);
                    }
                }

                break;
            case JsonObject part:
                if (IsReference(part))
                {
                    EraseReference(part);
                }

                foreach (var (name, value) in part.ToList())
                {
                    if (Text(value) is { } text)
                    {
                        Replace(part, name, RedactValue(text));
                    }
                    else
                    {
                        Redact(value);
                    }
                }

                break;
        }
    }

    /// <summary>A tool's result may be JSON within a text.</summary>
    private string RedactValue(string text)
    {
        if (
            text.AsSpan().TrimStart() is ['{' or '[', ..]
            && text.Contains(_documentId, StringComparison.Ordinal)
            && Parse(text) is { } inner
        )
        {
            Redact(inner);
            return Write(inner);
        }

        return RedactText(text);
    }

    /// <summary>A passage, a citation, its annotation, or an item of a list of documents.</summary>
    private bool IsReference(JsonObject part) =>
        part.Any(member =>
            member.Key.ToLowerInvariant() switch
            {
                "documentid" or "fileid" or "id" => Text(member.Value) == _documentId,
                "passage" => member.Value is JsonObject passage && IsReference(passage),
                _ => false,
            }
        );

    private static void EraseReference(JsonObject part)
    {
        foreach (var (name, _) in part.ToList())
        {
            switch (name.ToLowerInvariant())
            {
                case "title" or "name": // readers need them
                    part[name] = Erased;
                    break;
                case "headings" or "columns" or "text" or "quote" or "snippet" or "uri" or "url":
                    part.Remove(name);
                    break;
            }
        }
    }

    private int AddPhrases(string text, int leastWords)
    {
        var words = Words(text);
        var count = Math.Min(WordsInARow, words.Count);
        if (count < leastWords)
        {
            return 0;
        }

        for (var i = 0; i + count <= words.Count; i++)
        {
            _phrases.Add(Phrase(text, words, i, count));
        }

        return count;
    }

    private static ulong Phrase(string text, List<Range> words, int first, int count)
    {
        var phrase = new StringBuilder();
        foreach (var word in CollectionsMarshal.AsSpan(words).Slice(first, count))
        {
            phrase.Append(text.AsSpan(word)).Append(' ');
        }

        return XxHash3.HashToUInt64(MemoryMarshal.AsBytes<char>(phrase.ToString().ToUpperInvariant()));
    }

    /// <summary>Runs of letters and digits; what surrogates write counts as letters.</summary>
    private static List<Range> Words(string text)
    {
        List<Range> words = [];
        for (var i = 0; i < text.Length; i++)
        {
            var start = i;
            while (i < text.Length && (char.IsLetterOrDigit(text[i]) || char.IsSurrogate(text[i])))
            {
                i++;
            }

            if (i > start)
            {
                words.Add(start..i);
            }
        }

        return words;
    }

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>Only where something changes: a node that is replaced is written anew.</summary>
    private static void Replace(JsonObject part, string name, string text)
    {
        if (Text(part[name]) != text)
        {
            part[name] = text;
        }
    }

    private static JsonNode? Parse(string json)
    {
        try
        {
            return JsonNode.Parse(json, documentOptions: Strict);
        }
        catch (JsonException)
        {
            return null; // damaged, or no JSON: it is looked at as text
        }
    }

    private static string Write(JsonNode? node)
    {
        if (node is null)
        {
            return "null";
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            node.WriteTo(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
