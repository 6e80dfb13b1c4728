namespace Slipway.Rag.Reading;

/// <summary>A document's text and the structure found in it. All ranges are UTF-16 code units of <see cref="Text"/>.</summary>
/// <remarks>
/// The text is what is stored, searched, quoted and shown: for text, Markdown and JSON the decoded file as it is (byte order mark
/// removed, NUL replaced by U+FFFD); for tables and binary formats a rendering.
/// </remarks>
public sealed record StructuredDocument
{
    /// <summary>The whole text. May be empty.</summary>
    public required string Text { get; init; }

    /// <summary>Title found in the document, if any.</summary>
    public string? Title { get; init; }

    /// <summary>Blocks in text order, not overlapping; what lies between them is white space or unstructured text.</summary>
    public IReadOnlyList<Block> Blocks { get; init; } = [];

    /// <summary>Facts found in the document, such as front matter.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>(0);

    /// <summary>Tables as data: header and rows, for <c>document_rows</c>.</summary>
    public IReadOnlyList<DataTable> Tables { get; init; } = [];
}

/// <summary>A piece of structure.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">First character.</param>
/// <param name="End">One past the last.</param>
public sealed record Block(BlockKind Kind, int Start, int End)
{
    /// <summary>1 to 6 for a heading; 0 otherwise.</summary>
    public int Level { get; init; }

    /// <summary>The heading's plain text; null otherwise.</summary>
    public string? Heading { get; init; }

    /// <summary>For a table: the header that is repeated when the table is split, as text. Null otherwise.</summary>
    public string? RepeatedHeader { get; init; }
}

/// <summary>Kinds of blocks. Code and tables are kept whole where they fit.</summary>
public enum BlockKind
{
    /// <summary>Running text.</summary>
    Paragraph,

    /// <summary>A heading; it opens a section that lasts until the next heading of the same or a higher level.</summary>
    Heading,

    /// <summary>A list item, with what is nested in it.</summary>
    ListItem,

    /// <summary>A code block, fences included.</summary>
    Code,

    /// <summary>A table, or a part of one.</summary>
    Table,

    /// <summary>One row of tabular data, already readable by itself.</summary>
    Row,

    /// <summary>A quotation.</summary>
    Quote,

    /// <summary>Front matter and other facts about the document.</summary>
    Metadata,
}

/// <summary>A table as data.</summary>
/// <param name="Name">Sheet name, or the file's name for CSV.</param>
/// <param name="Columns">Header cells, made unique.</param>
/// <param name="Rows">Cells in column order; missing cells are null. Enumerated once, while publishing.</param>
public sealed record DataTable(string Name, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string?>> Rows);
