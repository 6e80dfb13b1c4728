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
    private readonly string[] _names = [.. principal.AccessNames];
    private KnownDocuments? _known;

    /// <summary>Whether every document of the collection is in.</summary>
    public bool IsEverything => filter is null && !hasGrants;

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

        return new ScopedStatement($"d.tenant = $1 and d.collection = $2 and {matches} and {granted}", arguments);
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

        if (_known is { } known)
        {
            return documentIds.Where(id => known.IsIncluded?.Invoke(id) ?? true).ToHashSet(StringComparer.Ordinal);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var statement = Statement(byDocument: true);
        return await ReadIdsAsync(statement, $"and d.id = any ({statement.Add(documentIds.ToArray())})")
            .ConfigureAwait(false);
    }

    protected override ValueTask<KnownDocuments?> FindKnownAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(_known ?? (IsEverything ? new KnownDocuments(null) : null));

    protected override async ValueTask<KnownDocuments> LoadAsync(CancellationToken cancellationToken)
    {
        if (_known is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var ids = await ReadIdsAsync(Statement(byDocument: false), "").ConfigureAwait(false);
            _known = new KnownDocuments(ids.Contains);
        }

        return _known.Value;
    }

    private Task<HashSet<string>> ReadIdsAsync(ScopedStatement statement, string condition) =>
        database.GuardAsync(async () =>
        {
            var ids = new HashSet<string>(StringComparer.Ordinal);
            var reader = await session
                .QueryAsync(
                    $"select d.id from slipway.documents d where {statement.Condition} {condition}",
                    statement.Arguments
                )
                .ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                {
                    ids.Add(reader.GetString(0));
                }
            }

            return ids;
        });
}
