using System.Text;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval.Filters.Internal;

/// <summary>
/// A filter as a condition over a row <c>d</c> of <c>documents</c>, the same for every engine: it compares bytes, doubles and integers, and
/// is never unknown (NULL), so that its negation is right. Its parameters are <c>$1</c>, <c>$2</c> …: the tenant, the collection, then values.
/// </summary>
internal sealed class FilterSql
{
    /// <summary>Parameters that every condition begins with, whether it uses them or not.</summary>
    public const int TenantAndCollection = 2;

    private readonly StringBuilder _sql = new();
    private readonly List<object> _parameters;
    private readonly Func<SearchFilter, bool> _asSet;
    private readonly FilterDialect _dialect;

    private FilterSql(FilterDialect dialect, CollectionKey collection, Func<SearchFilter, bool> asSet) =>
        (_dialect, _parameters, _asSet) = (dialect, [collection.Tenant, collection.Collection], asSet);

    /// <summary>The condition.</summary>
    /// <param name="dialect">The engine's.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="collection">Where it is searched.</param>
    /// <param name="asSet">
    /// Whether a condition on metadata is written as a set of ids that is read first, rather than as a look-up for each document. The set is
    /// better where it is small or where every document is asked.
    /// </param>
    /// <returns>The SQL, and its parameters: text, bytes, doubles, 64-bit integers, and what the dialect makes of times.</returns>
    public static (string Condition, IReadOnlyList<object> Parameters) Where(
        FilterDialect dialect,
        SearchFilter filter,
        CollectionKey collection,
        Func<SearchFilter, bool> asSet
    )
    {
        var sql = new FilterSql(dialect, collection, asSet);
        sql.Add(filter);
        return (sql._sql.ToString(), sql._parameters);
    }

    /// <summary>
    /// A statement that reads a row for each document that matches a single condition, from an index alone; null where no index tells.
    /// For estimates: a caller adds a limit.
    /// </summary>
    public static (string Query, IReadOnlyList<object> Parameters)? Rows(
        FilterDialect dialect,
        SearchFilter leaf,
        CollectionKey collection
    )
    {
        var sql = new FilterSql(dialect, collection, _ => true);
        switch (leaf)
        {
            case MetadataFilter or MetadataNumberFilter or MetadataTimeFilter:
                sql._sql.Append(
                    $"select 1 from {dialect.Schema}document_metadata m where m.tenant = $1 and m.collection = $2 and "
                );
                sql.AddEntry(leaf);
                return (sql._sql.ToString(), sql._parameters);
            case PathFilter or SourceFilter or ModifiedFilter or PublishedFilter:
                sql._sql.Append(
                    $"select 1 from {dialect.Schema}documents d where d.tenant = $1 and d.collection = $2 and "
                );
                sql.Add(leaf);
                return (sql._sql.ToString(), sql._parameters);
            default:
                return null;
        }
    }

    private void Add(SearchFilter filter)
    {
        switch (filter)
        {
            case AllFilter all:
                Join(all.Filters, " and ");
                break;
            case AnyFilter any:
                Join(any.Filters, " or ");
                break;
            case NotFilter not:
                _sql.Append("not ");
                Add(not.Filter);
                break;
            case MetadataFilter or MetadataNumberFilter or MetadataTimeFilter:
                AddMetadata(filter);
                break;
            case PathFilter path:
                AddPath(path.Path);
                break;
            case SourceFilter source:
                In("d.source", source.Names);
                break;
            case MediaTypeFilter mediaType:
                _sql.Append("(d.media_type is not null and ");
                In("d.media_type", mediaType.MediaTypes);
                _sql.Append(')');
                break;
            case DocumentFilter document:
                In("d.id", document.Ids);
                break;
            case ModifiedFilter modified:
                Between("d.modified_at", modified.Range, _dialect.Time);
                break;
            case PublishedFilter published:
                Between("d.published_at", published.Range, _dialect.Time);
                break;
            default:
                throw new NotSupportedException($"A filter of type {filter.GetType().Name} has no SQL.");
        }
    }

    private void Join(IReadOnlyList<SearchFilter> filters, string word)
    {
        _sql.Append('(');
        for (var i = 0; i < filters.Count; i++)
        {
            _sql.Append(i == 0 ? "" : word);
            Add(filters[i]);
        }

        _sql.Append(')');
    }

    private void AddMetadata(SearchFilter leaf)
    {
        _sql.Append(
            _asSet(leaf)
                ? $"d.id in (select m.document_id from {_dialect.Schema}document_metadata m where m.tenant = $1 and m.collection = $2 and "
                : $"exists (select 1 from {_dialect.Schema}document_metadata m where m.document_id = d.id and "
        );
        AddEntry(leaf);
        _sql.Append(')');
    }

    private void AddEntry(SearchFilter leaf)
    {
        switch (leaf)
        {
            case MetadataFilter equal:
                Key(equal.Key);
                In("m.value", [.. equal.Values.Select(MetadataEntry.Token)]);
                break;
            case MetadataNumberFilter number:
                Key(number.Key);
                Between("m.number", number.Range);
                break;
            case MetadataTimeFilter time:
                Key(time.Key);
                Between("m.instant", time.Range, milliseconds => milliseconds);
                break;
        }
    }

    private void Key(string key) => _sql.Append("m.key = ").Append(Parameter(MetadataEntry.Token(key))).Append(" and ");

    /// <summary>What begins with <c>folder/</c> lies before <c>folder0</c>: '0' is the character after '/'. So an index finds it.</summary>
    private void AddPath(string path)
    {
        var folder = path.EndsWith('/') ? path : path + "/";
        _sql.Append('(');
        if (path != folder)
        {
            _sql.Append("d.name = ").Append(Parameter(path)).Append(" or ");
        }

        _sql.Append("(d.name >= ")
            .Append(Parameter(folder))
            .Append(" and d.name < ")
            .Append(Parameter(folder[..^1] + "0"))
            .Append("))");
    }

    private void In(string column, IReadOnlyList<object> values)
    {
        _sql.Append(column).Append(" in (");
        for (var i = 0; i < values.Count; i++)
        {
            _sql.Append(i == 0 ? "" : ", ").Append(Parameter(values[i]));
        }

        _sql.Append(')');
    }

    private void Between(string column, FilterRange<double> range)
    {
        _sql.Append('(').Append(column).Append(" is not null");
        Bound(column, ">=", range.AtLeast);
        Bound(column, ">", range.GreaterThan);
        Bound(column, "<=", range.AtMost);
        Bound(column, "<", range.LessThan);
        _sql.Append(')');
    }

    /// <summary>
    /// Times count in whole milliseconds, rounded down. As half-open bounds in whole milliseconds every comparison comes out the same on
    /// columns that hold more of them.
    /// </summary>
    private void Between(string column, FilterRange<DateTimeOffset> range, Func<long, object> time)
    {
        _sql.Append('(').Append(column).Append(" is not null");
        Bound(column, ">=", range.AtLeast is { } atLeast ? time(RoundUp(atLeast)) : null);
        Bound(column, ">=", range.GreaterThan is { } greater ? time(greater.ToUnixTimeMilliseconds() + 1) : null);
        Bound(column, "<", range.AtMost is { } atMost ? time(atMost.ToUnixTimeMilliseconds() + 1) : null);
        Bound(column, "<", range.LessThan is { } lessThan ? time(RoundUp(lessThan)) : null);
        _sql.Append(')');
    }

    private void Bound(string column, string comparison, object? value)
    {
        if (value is not null)
        {
            _sql.Append(" and ").Append(column).Append(' ').Append(comparison).Append(' ').Append(Parameter(value));
        }
    }

    private string Parameter(object value)
    {
        _parameters.Add(value);
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"${_parameters.Count}");
    }

    private static long RoundUp(DateTimeOffset time) =>
        time.UtcTicks % TimeSpan.TicksPerMillisecond == 0
            ? time.ToUnixTimeMilliseconds()
            : time.ToUnixTimeMilliseconds() + 1;
}
