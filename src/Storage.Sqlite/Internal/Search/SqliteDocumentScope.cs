using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// Which documents a query may find, asked in one transaction and remembered only as long: a revoked right counts at once. A document
/// without grants is open to its whole tenant.
/// </summary>
/// <param name="database">The file.</param>
/// <param name="session">The transaction.</param>
/// <param name="collection">Where is searched.</param>
/// <param name="principal">Who asks.</param>
/// <param name="filter">What is asked for; null for everything.</param>
/// <param name="smallSet">Documents that are read at once rather than asked about, see <see cref="SmallSet"/>.</param>
internal sealed class SqliteDocumentScope(
    SqliteDatabase database,
    SqliteSession session,
    CollectionKey collection,
    Principal principal,
    SearchFilter? filter = null,
    int smallSet = SqliteDocumentScope.SmallSet
) : DocumentScope
{
    /// <summary>Reading so many ids costs less than ranking 10,000 chunks.</summary>
    public const int SmallSet = 1_000;

    private const string IsGranted = """
        (not exists (select 1 from document_principals p where p.document_id = d.id)
            or exists (
                select 1 from document_principals p
                where p.document_id = d.id and p.principal in (select value from json_each({0}))))
        """;

    private readonly string _names = JsonSerializer.Serialize(
        [.. principal.AccessNames],
        NamesJsonContext.Default.StringArray
    );
    private bool? _hasGrants;
    private SqliteFilterEstimate? _estimate;
    private KnownDocuments? _known;

    private bool HasGrants => _hasGrants ??= session.Scalar("select 1 from document_principals limit 1") is not null;

    public override ValueTask<IReadOnlySet<string>> FindAmongAsync(
        IReadOnlyCollection<string> documentIds,
        CancellationToken cancellationToken
    ) => ValueTask.FromResult(database.Guard(() => FindAmong(documentIds)));

    protected override ValueTask<KnownDocuments?> FindKnownAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(
            database.Guard(() =>
                _known
                ?? (
                    filter is null && !HasGrants ? new KnownDocuments(null)
                    : filter is not null && Estimate(filter).Documents(filter) <= smallSet ? Load(everyDocument: false)
                    : null
                )
            )
        );

    protected override ValueTask<KnownDocuments> LoadAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(database.Guard(() => _known ?? Load(everyDocument: true)));

    /// <summary>See <see cref="FindAmongAsync"/>.</summary>
    public IReadOnlySet<string> FindAmong(IReadOnlyCollection<string> documentIds)
    {
        if (filter is null && !HasGrants)
        {
            return documentIds.ToHashSet(StringComparer.Ordinal);
        }

        if (_known is { } known)
        {
            return documentIds.Where(id => known.IsIncluded?.Invoke(id) ?? true).ToHashSet(StringComparer.Ordinal);
        }

        // By the documents given, so every condition is a look-up.
        return ReadIds(
            "d.id in (select value from json_each({0}))",
            JsonSerializer.Serialize([.. documentIds], NamesJsonContext.Default.StringArray),
            _ => false,
            byId: true
        );
    }

    private KnownDocuments Load(bool everyDocument)
    {
        if (filter is null)
        {
            var hidden = ReadHidden();
            return Keep(id => !hidden.Contains(id));
        }

        var estimate = Estimate(filter);
        var found = ReadIds(
            null,
            null,
            leaf => everyDocument || estimate.Documents(leaf) <= smallSet,
            byId: !everyDocument && estimate.LeadsByIds(filter)
        );
        return Keep(found.Contains);
    }

    private KnownDocuments Keep(Func<string, bool> isIncluded)
    {
        var known = new KnownDocuments(isIncluded);
        _known = known;
        return known;
    }

    private SqliteFilterEstimate Estimate(SearchFilter whole) =>
        _estimate ??= new SqliteFilterEstimate(session, collection, whole, smallSet + 1);

    private HashSet<string> ReadIds(string? condition, string? argument, Func<SearchFilter, bool> asSet, bool byId)
    {
        var (matches, values) = filter is null
            ? (null, [collection.Tenant, collection.Collection])
            : FilterSql.Where(FilterDialect.Sqlite, filter, collection, asSet);
        var parameters = values.ToList<object?>();
        // A plus keeps a condition from being looked up in an index: ids are fewer than a collection's documents.
        var sql = byId
            ? "select d.id from documents d where +d.tenant = $1 and +d.collection = $2"
            : "select d.id from documents d where d.tenant = $1 and d.collection = $2";
        Add(condition, argument);
        Add(matches, null);
        Add(HasGrants ? IsGranted : null, _names);
        return session.ReadOnce(
            sql,
            parameters,
            reader =>
            {
                var ids = new HashSet<string>(StringComparer.Ordinal);
                while (reader.Read())
                {
                    ids.Add(reader.GetString(0));
                }

                return ids;
            }
        );

        void Add(string? part, string? value)
        {
            if (part is null)
            {
                return;
            }

            if (value is not null)
            {
                parameters.Add(value);
                part = part.Replace("{0}", "$" + parameters.Count, StringComparison.Ordinal);
            }

            sql += " and " + part;
        }
    }

    /// <summary>The few that are hidden, rather than the many that are not.</summary>
    private HashSet<string> ReadHidden()
    {
        var hidden = new HashSet<string>(StringComparer.Ordinal);
        using var reader = session.Query(
            """
            select distinct granted.document_id
            from document_principals granted join documents on documents.id = granted.document_id
            where documents.tenant = $1 and documents.collection = $2
              and not exists (
                    select 1 from document_principals mine
                    where mine.document_id = granted.document_id and mine.principal in (select value from json_each($3)))
            """,
            collection.Tenant,
            collection.Collection,
            _names
        );
        while (reader.Read())
        {
            hidden.Add(reader.GetString(0));
        }

        return hidden;
    }
}

[JsonSerializable(typeof(string[]))]
internal sealed partial class NamesJsonContext : JsonSerializerContext;
