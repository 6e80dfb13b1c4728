using System.Globalization;
using System.Text;

namespace Slipway.Rag.Reading;

/// <summary>Rows as text for people and search, and at the same time as data.</summary>
internal sealed class RowRendering(ReadingContext context)
{
    private readonly StringBuilder text = new();
    private readonly List<Block> blocks = [];
    private readonly List<string> columns = [];
    private readonly HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
    private readonly RowData data = new();

    /// <summary>Adds a record; the first one is the header.</summary>
    public void Add(CsvRecords record)
    {
        if (columns.Count == 0)
        {
            for (var i = 0; i < record.Count; i++)
            {
                AddColumn(record[i].ToString());
            }

            return;
        }

        // A row with more cells than the header keeps them.
        while (columns.Count < record.Count)
        {
            AddColumn("");
        }

        if (IsBlank(record))
        {
            return;
        }

        var start = text.Length;
        data.StartRow();
        for (var i = 0; i < record.Count; i++)
        {
            AddCell(columns[i], record[i], isFirst: text.Length == start);
        }

        blocks.Add(new Block(BlockKind.Row, start, text.Length));
        text.Append('\n');
        TextDecoding.ThrowIfTooLong(text.Length, context);
    }

    /// <summary>The document.</summary>
    public StructuredDocument ToDocument()
    {
        // A header without rows is all there is to find.
        if (blocks.Count == 0 && columns.Count > 0)
        {
            text.AppendJoin("; ", columns).Append('\n');
            blocks.Add(new Block(BlockKind.Row, 0, text.Length - 1));
        }

        data.Text = text.ToString();
        data.Columns = columns.Count;
        return new StructuredDocument
        {
            Text = data.Text,
            Blocks = blocks,
            Tables = columns.Count == 0 ? [] : [new DataTable(Path.GetFileName(context.Name), columns, data)],
        };
    }

    private static bool IsBlank(CsvRecords record)
    {
        for (var i = 0; i < record.Count; i++)
        {
            if (!record[i].IsWhiteSpace())
            {
                return false;
            }
        }

        return true;
    }

    private void AddCell(string column, ReadOnlySpan<char> cell, bool isFirst)
    {
        var shown = cell.Trim();
        if (shown.IsEmpty)
        {
            data.AddMissing();
            return;
        }

        text.Append(isFirst ? "" : "; ").Append(column).Append(": ");
        if (shown.Length == cell.Length && !cell.ContainsAny('\r', '\n'))
        {
            data.AddShown(text.Length, cell.Length);
            text.Append(cell);
            return;
        }

        data.AddVerbatim(cell.ToString());
        text.Append(string.Join(' ', shown.ToString().Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)));
    }

    private void AddColumn(string header)
    {
        var name = HeadingText.Collapse(header);
        name = name.Length > 0 ? name : string.Create(CultureInfo.InvariantCulture, $"Column {columns.Count + 1}");
        var unique = name;
        for (var i = 2; !names.Add(unique); i++)
        {
            unique = string.Create(CultureInfo.InvariantCulture, $"{name} ({i})");
        }

        columns.Add(unique);
    }
}
