using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>The newest state of an index's vectors by one model, shared by the process. Thread-safe.</summary>
internal sealed class SqliteVectors(long indexId, CollectionKey collection, string model)
{
    private readonly Lock _lock = new();
    private SqliteVectorSet? _newest;

    /// <summary>The state at the moment of the session's transaction.</summary>
    public SqliteVectorSet At(SqliteSession session, long revision)
    {
        // One at a time: ten queries after a start must not load the same vectors ten times.
        lock (_lock)
        {
            if (_newest?.Revision == revision)
            {
                return _newest;
            }

            try
            {
                var set =
                    _newest?.MoveTo(session, revision)
                    ?? SqliteVectorSet.Load(session, new SqliteVectorRows(indexId, collection, model), revision);
                _newest = _newest?.Revision > revision ? _newest : set;
                return set;
            }
            catch (SlipwayException)
            {
                // Once the stored vectors are of one dimension again, the next query finds them.
                _newest = null;
                throw;
            }
        }
    }
}
