using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresDocumentStore
{
    public async ValueTask<(string DocumentId, int Version)> PublishAsync(
        DocumentPublication publication,
        CancellationToken cancellationToken = default
    ) =>
        (await PublishBatchAsync([publication], cancellationToken).ConfigureAwait(false))[0]
        ?? throw Conflict(publication);

    public async ValueTask<IReadOnlyList<(string DocumentId, int Version)?>> PublishBatchAsync(
        IReadOnlyList<DocumentPublication> publications,
        CancellationToken cancellationToken = default
    )
    {
        if (publications.Count == 0)
        {
            return [];
        }

        var analyzer = await database
            .ReadAsync(
                null,
                async session =>
                    (
                        await PostgresIndex.FindAsync(session, publications[0].Collection).ConfigureAwait(false)
                    )?.Analyzer,
                cancellationToken
            )
            .ConfigureAwait(false);
        return await PublicationBatch
            .PublishAsync(
                publications,
                analyzer,
                sideBySide: publications.Count >= PostgresIndexWriter.FoldedAtOnce,
                batch => database.WriteAsync(null, session => PublishAsync(session, batch), cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private static SlipwayException Conflict(DocumentPublication publication) =>
        publication.Claim is { } claim
            ? new ClaimLostException(publication.Document.Name, claim.Owner)
            : new PublicationConflictException(publication.Document.Name, publication.BaseVersion);

    private async Task<IReadOnlyList<(string DocumentId, int Version)>> PublishAsync(
        PostgresSession session,
        IReadOnlyList<PreparedPublication> batch
    )
    {
        var found = await FindRowsAsync(session, batch).ConfigureAwait(false);
        var rows = new List<DocumentRow>(batch.Count);
        var inConflict = new List<PreparedPublication>();
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var prepared in batch)
        {
            var publication = prepared.Publication;
            var row =
                found.GetValueOrDefault((publication.Source, publication.Document.ExternalId))
                ?? await FindRowAsync(session, publication).ConfigureAwait(false);
            if (
                row is null
                || !row.IsHeldBy(publication.Claim)
                || row.Version != publication.BaseVersion
                || row.IsPushedAnew(publication.Document, publication.ContentHash)
                || !taken.Add(row.Id)
            )
            {
                inConflict.Add(prepared);
            }
            else
            {
                rows.Add(row);
            }
        }

        if (inConflict.Count > 0)
        {
            throw new PublicationsInConflictException(inConflict);
        }

        var (now, first) = (database.Now, batch[0].Publication);
        await WriteAsync(session, [.. rows.Zip(batch, (row, prepared) => (row, prepared.Publication))], now)
            .ConfigureAwait(false);
        var index = await PostgresIndexWriter
            .GetOrCreateIndexAsync(session, first.Collection, first.Analyzer, now)
            .ConfigureAwait(false);
        foreach (var model in batch.Select(prepared => prepared.Publication.EmbeddingModel).Distinct())
        {
            PostgresIndexWriter.NoteModel(session, index, first.Collection, [.. rows.Select(row => row.Id)], model);
        }

        await PostgresIndexWriter
            .PublishAsync(
                session,
                first.Collection,
                index,
                [.. rows.Zip(batch, (row, prepared) => (row.Id, prepared.PostingsBy(index.Analyzer)))]
            )
            .ConfigureAwait(false);
        foreach (var (row, prepared) in rows.Zip(batch))
        {
            SignalPushed(session, prepared.Publication.Source, row.Id);
        }

        return [.. rows.Select(row => (row.Id, row.Version + 1))];
    }

    /// <summary>
    /// The rows at the places of many documents, locked; made where they are new. What is missing here, <see cref="FindRowAsync"/> finds or
    /// makes.
    /// </summary>
    private async Task<Dictionary<(string Source, string ExternalId), DocumentRow>> FindRowsAsync(
        PostgresSession session,
        IReadOnlyList<PreparedPublication> batch
    )
    {
        var rows = new Dictionary<(string, string), DocumentRow>();
        if (batch.Count < 2)
        {
            return rows;
        }

        var collection = batch[0].Publication.Collection;
        await FindNamedAsync(session, collection, batch, rows).ConfigureAwait(false);
        var placed = batch.Select(prepared => prepared.Publication).Where(p => p.DocumentId is null).ToArray();
        if (placed.Length == 0)
        {
            return rows;
        }

        session.Queue(
            """
            insert into slipway.documents
                (tenant, collection, state, created_at, updated_at, id, source, external_id, name, title, uri, source_metadata)
            select $1, $2, 'pending', $3, $3, new.*
            from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[]) as new
            on conflict do nothing
            """,
            collection.Tenant,
            collection.Collection,
            database.Now,
            Array.ConvertAll(placed, p => DocumentId.Derive(collection, p.Source, p.Document.ExternalId)),
            Array.ConvertAll(placed, p => p.Source),
            Array.ConvertAll(placed, p => p.Document.ExternalId),
            Array.ConvertAll(placed, p => p.Document.Name),
            Array.ConvertAll(placed, p => p.Document.Title ?? p.Document.Name),
            Array.ConvertAll(placed, p => p.Document.Uri),
            Array.ConvertAll(placed, p => StoredValue.Json(p.Document.Metadata))
        );
        var reader = await session
            .QueryAsync(
                $"""
                select {RowColumns}, d.source, d.external_id
                from unnest($3::text[], $4::text[]) place (source, external_id)
                join slipway.documents d on d.tenant = $1 and d.collection = $2 and d.source = place.source
                    and d.external_id = place.external_id
                order by d.id
                for no key update of d
                """,
                collection.Tenant,
                collection.Collection,
                Array.ConvertAll(placed, p => p.Source),
                Array.ConvertAll(placed, p => p.Document.ExternalId)
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                rows[(reader.GetString(8), reader.GetString(9))] = ReadRow(reader);
            }
        }

        return rows;
    }

    /// <summary>The rows that publications name and whose new places are free, locked.</summary>
    private static async Task FindNamedAsync(
        PostgresSession session,
        CollectionKey collection,
        IReadOnlyList<PreparedPublication> batch,
        Dictionary<(string Source, string ExternalId), DocumentRow> rows
    )
    {
        var named = batch
            .Select(prepared => prepared.Publication)
            .Where(publication => publication.DocumentId is { } id && PostgresAccess.CanBeStored(id))
            .ToArray();
        if (named.Length == 0)
        {
            return;
        }

        var reader = await session
            .QueryAsync(
                $"""
                select {RowColumns}, place.source, place.external_id
                from unnest($3::text[], $4::text[], $5::text[]) place (id, source, external_id)
                join slipway.documents d on d.id = place.id and d.tenant = $1 and d.collection = $2 and d.source = place.source
                where not exists (
                    select from slipway.documents other
                    where other.tenant = $1 and other.collection = $2 and other.source = place.source
                        and other.external_id = place.external_id and other.id <> d.id)
                order by d.id
                for no key update of d
                """,
                collection.Tenant,
                collection.Collection,
                Array.ConvertAll(named, publication => publication.DocumentId!),
                Array.ConvertAll(named, publication => publication.Source),
                Array.ConvertAll(named, publication => publication.Document.ExternalId)
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                rows[(reader.GetString(8), reader.GetString(9))] = ReadRow(reader);
            }
        }
    }

    /// <summary>The row that is taken over, locked: the one that is named, else the one at the document's place, made if it is new. Null
    /// when it was deleted meanwhile, or somebody else's document has taken its new place.</summary>
    private async Task<DocumentRow?> FindRowAsync(PostgresSession session, DocumentPublication publication)
    {
        var (collection, source) = (publication.Collection, publication.Source);
        return publication.DocumentId is not { } named
            ? await FindOrAddAsync(session, collection, source, publication.Document).ConfigureAwait(false)
            : await ReadRowAsync(
                    session,
                    $"""
                    select {RowColumns} from slipway.documents d
                    where id = $1 and tenant = $2 and collection = $3 and source = $4 and not exists (
                        select from slipway.documents other
                        where other.tenant = $2 and other.collection = $3 and other.source = $4 and other.external_id = $5
                            and other.id <> $1)
                    for no key update of d
                    """,
                    named,
                    collection.Tenant,
                    collection.Collection,
                    source,
                    publication.Document.ExternalId
                )
                .ConfigureAwait(false);
    }
}
