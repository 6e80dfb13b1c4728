using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// Which documents a principal may see, asked in one transaction and remembered only as long: a revoked right counts at once. A document
/// without grants is open to its whole tenant.
/// </summary>
internal sealed class SqliteVisibility
{
    // One by one is cheapest for the few documents that come near the top; one scan when most of them turn out to be hidden.
    private const int AskedOneByOne = 200;

    private readonly SqliteSession _session;
    private readonly CollectionKey _collection;
    private readonly string _names;
    private readonly Dictionary<string, bool> _answers = new(StringComparer.Ordinal);
    private readonly bool _hasGrants;
    private HashSet<string>? _hidden;

    public SqliteVisibility(SqliteSession session, CollectionKey collection, Principal principal)
    {
        (_session, _collection) = (session, collection);
        _names = JsonSerializer.Serialize([.. principal.AccessNames], NamesJsonContext.Default.StringArray);
        _hasGrants = session.Scalar("select 1 from document_principals limit 1") is not null;
    }

    public bool IsVisible(string documentId)
    {
        if (!_hasGrants)
        {
            return true;
        }

        if (_hidden is not null)
        {
            return !_hidden.Contains(documentId);
        }

        if (_answers.TryGetValue(documentId, out var visible))
        {
            return visible;
        }

        if (_answers.Count == AskedOneByOne)
        {
            _hidden = ReadHidden();
            return !_hidden.Contains(documentId);
        }

        return _answers[documentId] = Ask(documentId);
    }

    private bool Ask(string documentId) =>
        _session.Scalar(
            """
            select 1
            where not exists (select 1 from document_principals where document_id = $1)
               or exists (
                    select 1 from document_principals
                    where document_id = $1 and principal in (select value from json_each($2)))
            """,
            documentId,
            _names
        )
            is not null;

    private HashSet<string> ReadHidden()
    {
        var hidden = new HashSet<string>(StringComparer.Ordinal);
        using var reader = _session.Query(
            """
            select distinct granted.document_id
            from document_principals granted join documents on documents.id = granted.document_id
            where documents.tenant = $1 and documents.collection = $2
              and not exists (
                    select 1 from document_principals mine
                    where mine.document_id = granted.document_id and mine.principal in (select value from json_each($3)))
            """,
            _collection.Tenant,
            _collection.Collection,
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
