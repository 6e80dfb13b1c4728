using System.Collections;

namespace Slipway.Rag.Reading;

/// <summary>Cells as ranges of the rendered text: a table's cells are not held in memory a second time.</summary>
internal sealed class RowData : IReadOnlyList<IReadOnlyList<string?>>
{
    private const int Missing = -1;

    private readonly List<int> rowStarts = [];
    private readonly List<(int Start, int Length)> cells = [];

    /// <summary>Cells that the text shows otherwise than they are: with line breaks, or white space around.</summary>
    private readonly Dictionary<int, string> verbatim = [];

    /// <summary>The rendered text, once it is complete.</summary>
    public string Text { get; set; } = "";

    /// <summary>Cells in every row.</summary>
    public int Columns { get; set; }

    /// <inheritdoc/>
    public int Count => rowStarts.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string?> this[int index]
    {
        get
        {
            var row = new string?[Columns];
            var next = index + 1 < rowStarts.Count ? rowStarts[index + 1] : cells.Count;
            for (var cell = rowStarts[index]; cell < next; cell++)
            {
                var (start, length) = cells[cell];
                row[cell - rowStarts[index]] =
                    verbatim.TryGetValue(cell, out var value) ? value
                    : start == Missing ? null
                    : Text.Substring(start, length);
            }

            return row;
        }
    }

    /// <summary>Begins a row.</summary>
    public void StartRow() => rowStarts.Add(cells.Count);

    /// <summary>Adds an empty cell.</summary>
    public void AddMissing() => cells.Add((Missing, 0));

    /// <summary>Adds a cell that the text shows as it is.</summary>
    public void AddShown(int start, int length) => cells.Add((start, length));

    /// <summary>Adds a cell that the text shows otherwise.</summary>
    public void AddVerbatim(string value)
    {
        verbatim.Add(cells.Count, value);
        AddMissing();
    }

    /// <inheritdoc/>
    public IEnumerator<IReadOnlyList<string?>> GetEnumerator() =>
        Enumerable.Range(0, Count).Select(i => this[i]).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
