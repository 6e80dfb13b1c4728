using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// How many documents the parts of a filter let through at most. Counted in indexes and only up to a limit, so that it costs next to nothing
/// whatever the answer is.
/// </summary>
internal sealed class SqliteFilterEstimate
{
    private readonly SqliteSession _session;
    private readonly CollectionKey _collection;
    private readonly int _limit;
    private readonly Dictionary<SearchFilter, int> _documents = new(ReferenceEqualityComparer.Instance);

    /// <summary>Estimates a filter and all its parts.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="collection">Where is searched.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="limit">Counting ends here.</param>
    public SqliteFilterEstimate(SqliteSession session, CollectionKey collection, SearchFilter filter, int limit)
    {
        (_session, _collection, _limit) = (session, collection, limit);
        Estimate(filter);
    }

    /// <summary>At most so many; the limit when there may be more.</summary>
    public int Documents(SearchFilter part) => _documents[part];

    /// <summary>
    /// Whether few ids lead to all that match. Without statistics the planner would walk through the whole collection instead.
    /// </summary>
    public bool LeadsByIds(SearchFilter part) =>
        Documents(part) < _limit
        && part switch
        {
            MetadataFilter or MetadataNumberFilter or MetadataTimeFilter or DocumentFilter => true,
            AllFilter all => all.Filters.Any(LeadsByIds),
            AnyFilter any => any.Filters.All(LeadsByIds),
            _ => false,
        };

    private int Estimate(SearchFilter filter) =>
        _documents[filter] = filter switch
        {
            AllFilter all => all.Filters.Select(Estimate).ToArray().Min(),
            AnyFilter any => (int)Math.Min(_limit, any.Filters.Sum(part => (long)Estimate(part))),
            NotFilter not => Math.Max(_limit, Estimate(not.Filter)), // the parts of a negation may be asked for as well
            DocumentFilter document => Math.Min(_limit, document.Ids.Count),
            _ => Count(filter),
        };

    private int Count(SearchFilter leaf)
    {
        if (FilterSql.Rows(FilterDialect.Sqlite, leaf, _collection) is not var (query, parameters))
        {
            return _limit;
        }

        return _session.ReadOnce(
            $"select count(*) from ({query} limit ${parameters.Count + 1})",
            [.. parameters, _limit],
            reader => reader.Read() ? reader.GetInt32(0) : 0
        );
    }
}
