namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>The vectors of some documents, a row for each chunk in order. Immutable, shared between states of a set.</summary>
internal sealed class VectorBlock
{
    private readonly string[] _ids; // ascending
    private readonly int[] _starts; // one more than there are documents

    private VectorBlock(string[] ids, int[] starts, Int8Vectors vectors) =>
        (_ids, _starts, Vectors) = (ids, starts, vectors);

    public Int8Vectors Vectors { get; }

    public int DocumentCount => _ids.Length;

    public string DocumentId(int document) => _ids[document];

    /// <summary>A document's first row, and one past its last.</summary>
    public (int Start, int End) Rows(int document) => (_starts[document], _starts[document + 1]);

    /// <summary>The document's place, or a negative number.</summary>
    public int Find(string documentId) => Array.BinarySearch(_ids, documentId, StringComparer.Ordinal);

    /// <summary>Fills a block; documents come in ascending order.</summary>
    internal sealed class Builder(int dimensions)
    {
        private readonly List<string> _ids = [];
        private readonly List<int> _starts = [0];
        private readonly Int8Vectors.Builder _vectors = new(dimensions);

        public int Count => _vectors.Count;

        /// <summary>Adds a chunk of the document at hand. Chunks that were left out have no embedding: their rows match nothing.</summary>
        public void Add(int ordinal, ReadOnlySpan<float> vector)
        {
            while (_vectors.Count - _starts[^1] < ordinal)
            {
                _vectors.Add([]);
            }

            _vectors.Add(vector);
        }

        public void AddRows(VectorBlock block, int document)
        {
            var (start, end) = block.Rows(document);
            for (var row = start; row < end; row++)
            {
                _vectors.Add(block.Vectors, row);
            }

            EndDocument(block.DocumentId(document));
        }

        public void EndDocument(string documentId)
        {
            if (_vectors.Count > _starts[^1])
            {
                _ids.Add(documentId);
                _starts.Add(_vectors.Count);
            }
        }

        public VectorBlock Build() => new([.. _ids], [.. _starts], _vectors.Build());
    }
}
