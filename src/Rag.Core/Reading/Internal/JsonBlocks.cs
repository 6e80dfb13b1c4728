using System.Text;
using System.Text.Json;

namespace Slipway.Rag.Reading;

/// <summary>Finds the members and elements of JSON that make blocks: from the inside out, without recursion.</summary>
/// <remarks>
/// A large member is a section named by its key, a large object in an array one named by its <c>title</c>, <c>name</c>, <c>id</c> or
/// <c>key</c>. Positions in an array name nothing: they change with every insertion.
/// </remarks>
internal sealed class JsonBlocks(string text)
{
    /// <summary>Nesting deeper than this is not read as JSON.</summary>
    private const int MaxDepth = 1_000;

    private const int DeepestHeading = 6;

    /// <summary>Shorter elements of an array, such as numbers, are no blocks of their own.</summary>
    private const int SmallestElement = 200;

    private static readonly string[] NamingKeys = ["title", "name", "id", "key"];

    /// <summary>With a gap for each container, where its heading goes if it turns out to be large.</summary>
    private readonly List<Block?> blocks = [];
    private readonly Stack<Container> open = [];
    private (int Start, string Name)? key;

    /// <summary>The blocks, in order.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public List<Block> Find()
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var options = new JsonReaderOptions
        {
            AllowMultipleValues = true,
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = MaxDepth,
        };
        var reader = new Utf8JsonReader(bytes, options);
        int readTo = 0,
            position = 0;
        while (reader.Read())
        {
            position += Encoding.UTF8.GetCharCount(bytes, readTo, (int)reader.TokenStartIndex - readTo);
            readTo = (int)reader.TokenStartIndex;
            Add(ref reader, position, Encoding.UTF8.GetCharCount(bytes, readTo, (int)reader.BytesConsumed - readTo));
        }

        return [.. blocks.OfType<Block>()];
    }

    private void Add(ref Utf8JsonReader reader, int start, int length)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                key = (start, GetString(ref reader));
                return;
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                open.Push(new Container(key?.Start ?? start, start + 1, blocks.Count, key?.Name));
                blocks.Add(null);
                break;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                Complete(open.Pop(), start + 1);
                break;
            default:
                AddScalar(ref reader, start, start + length);
                break;
        }

        key = null;
    }

    private void AddScalar(ref Utf8JsonReader reader, int start, int end)
    {
        if (key is not { } member)
        {
            if (end - start >= SmallestElement || open.Count == 0)
            {
                Append(BlockKind.Row, start, end);
            }

            return;
        }

        Append(BlockKind.Paragraph, member.Start, end);
        if (reader.TokenType is JsonTokenType.String or JsonTokenType.Number)
        {
            var rank = Array.IndexOf(NamingKeys, member.Name);
            if (rank >= 0 && open.Peek() is { Key: null } element && rank < element.NameRank)
            {
                element.Name = reader.TokenType == JsonTokenType.String ? GetString(ref reader) : text[start..end];
                element.NameRank = rank;
            }
        }
    }

    private void Complete(Container container, int end)
    {
        if (end - container.Start <= JsonReader.LargestWholeValue)
        {
            blocks.RemoveRange(container.FirstBlock, blocks.Count - container.FirstBlock);
            Append(container.Key is null ? BlockKind.Row : BlockKind.Paragraph, container.Start, end);
        }
        else if (open.Count < DeepestHeading && (container.Key ?? container.Name) is { Length: > 0 } name)
        {
            blocks[container.FirstBlock] = new Block(BlockKind.Heading, container.Start, container.ContentStart)
            {
                Level = open.Count + 1,
                Heading = HeadingText.Shorten(name),
            };
        }
    }

    /// <summary>The comma after a member is its end, not the next one's beginning.</summary>
    private void Append(BlockKind kind, int start, int end) =>
        blocks.Add(new Block(kind, start, end < text.Length && text[end] == ',' ? end + 1 : end));

    private static string GetString(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            return ""; // An escaped half of a surrogate pair.
        }
    }

    private sealed class Container(int start, int contentStart, int firstBlock, string? key)
    {
        public int Start { get; } = start;

        public int ContentStart { get; } = contentStart;

        public int FirstBlock { get; } = firstBlock;

        public string? Key { get; } = key;

        public string? Name { get; set; }

        public int NameRank { get; set; } = int.MaxValue;
    }
}
