using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>
/// Which documents a query may find, asked in one transaction and remembered only as long: a revoked right counts at once. A document
/// without grants is open to its whole tenant.
/// </summary>
/// <param name="database">For its errors.</param>
/// <param name="session">The transaction.</param>
/// <param name="collection">Where is searched.</param>
/// <param name="principal">Who asks.</param>
/// <param name="filter">What is asked for; null for everything.</param>
/// <param name="hasGrants">Whether any document is not open to its whole tenant.</param>
internal sealed class PostgresDocumentScope(
    PostgresDatabase database,
    PostgresSession session,
    CollectionKey collection,
    Principal principal,
    SearchFilter? filter,
    bool hasGrants
) : DocumentScope
{
    /// <summary>Reading so many ids costs less than ranking or comparing what they let through.</summary>
    private const int SmallSet = 1_000;

    // Fewer tell too little of how many pass.
    private const int LeastAsked = 20;

    private readonly string[] _names = [.. principal.AccessNames];
    private HashSet<string>? _ids;
    private double? _passRate;
    private long? _chunks;

    /// <summary>Whether every document of the collection is in.</summary>
    private bool IsEverything => filter is null && !hasGrants;

    /// <summary>A statement over the documents that are in.</summary>
    /// <param name="byDocument">Whether the statement names the documents itself, so that each is asked about.</param>
    public ScopedStatement Statement(bool byDocument)
    {
        var (matches, values) = filter is null
            ? ("true", [collection.Tenant, collection.Collection])
            : FilterSql.Where(FilterDialect.Postgres, filter, collection, _ => !byDocument);
        var granted = "true";
        var arguments = values.ToList<object?>();
        if (hasGrants)
        {
            arguments.Add(_names);
            granted = $"""
                (not exists (select from slipway.document_principals p where p.document_id = d.id)
                    or exists (
                        select from slipway.document_principals p
                        where p.document_id = d.id and p.principal = any (${arguments.Count})))
                """;
        }

        if (_ids is not null && !byDocument)
        {
            // Known, so nothing is asked again.
            return new ScopedStatement("d.id = any ($1)", [_ids.ToArray()]);
        }

        return new ScopedStatement($"d.tenant = $1 and d.collection = $2 and {matches} and {granted}", arguments);
    }

    /// <summary>About how many chunks are in, or at least so many.</summary>
    /// <param name="ofCollection">Reads how many the collection has; asked when that helps.</param>
    public async Task<long> EstimateChunksAsync(Func<Task<long>> ofCollection)
    {
        if (IsEverything)
        {
            return await ofCollection().ConfigureAwait(false);
        }

        if (_chunks is null && _passRate is { } rate)
        {
            return (long)(rate * await ofCollection().ConfigureAwait(false));
        }

        if (_chunks is null)
        {
            await ReadSmallAsync().ConfigureAwait(false);
        }

        return _chunks!.Value;
    }

    public override async ValueTask<IReadOnlySet<string>> FindAmongAsync(
        IReadOnlyCollection<string> documentIds,
        CancellationToken cancellationToken
    )
    {
        if (IsEverything)
        {
            return documentIds.ToHashSet(StringComparer.Ordinal);
        }

        if (_ids is not null)
        {
            return documentIds.Where(_ids.Contains).ToHashSet(StringComparer.Ordinal);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var statement = Statement(byDocument: true);
        var among = statement.Add(documentIds.ToArray());
        var found = new HashSet<string>(StringComparer.Ordinal);
        await ReadAsync(
                $"select d.id, 0 from slipway.documents d where {statement.Condition} and d.id = any ({among})",
                statement,
                (id, _) => found.Add(id)
            )
            .ConfigureAwait(false);
        if (documentIds.Count >= LeastAsked)
        {
            _passRate = (double)found.Count / documentIds.Count;
        }

        return found;
    }

    protected override async ValueTask<KnownDocuments?> FindKnownAsync(CancellationToken cancellationToken)
    {
        if (IsEverything)
        {
            return new KnownDocuments(null);
        }

        // Grants alone mostly let much through; what a filter lets through is often little.
        if (filter is not null && _chunks is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await ReadSmallAsync().ConfigureAwait(false);
        }

        return _ids is null ? null : new KnownDocuments(_ids.Contains);
    }

    protected override async ValueTask<KnownDocuments> LoadAsync(CancellationToken cancellationToken)
    {
        if (_ids is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await ReadSetAsync(int.MaxValue).ConfigureAwait(false);
        }

        return new KnownDocuments(_ids!.Contains);
    }

    /// <summary>Reads what is in when it is little; otherwise how much that little is.</summary>
    private Task ReadSmallAsync() => ReadSetAsync(SmallSet);

    private async Task ReadSetAsync(int limit)
    {
        var statement = Statement(byDocument: false);
        var (ids, chunks) = (new HashSet<string>(StringComparer.Ordinal), 0L);
        await ReadAsync(
                $"""
                select d.id, d.chunk_count from slipway.documents d
                where {statement.Condition}
                limit {statement.Add((long)limit + 1)}
                """,
                statement,
                (id, count) =>
                {
                    ids.Add(id);
                    chunks += count;
                }
            )
            .ConfigureAwait(false);
        _chunks = chunks;
        _ids = ids.Count <= limit ? ids : null;
    }

    private Task ReadAsync(string sql, ScopedStatement statement, Action<string, int> add) =>
        database.GuardAsync(async () =>
        {
            var reader = await session.QueryAsync(sql, statement.Arguments).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                {
                    add(reader.GetString(0), reader.GetInt32(1));
                }
            }

            return true;
        });
}
