using Npgsql;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Importing;

/// <summary>
/// Brings the data of the older system over: users, conversations, messages, requests, documents with their rows and embeddings, and the
/// state of its pipelines. The older database is only read.
/// </summary>
/// <remarks>
/// Ids of users, conversations and requests are kept; a message's is its older number. Everything is streamed, a document at a time. What is
/// there already is left alone, so an import that was interrupted goes on when it is run again, and running it twice changes nothing. Not taken
/// over: what tools said in past turns, and image files that stood in the metadata of chunks.
/// </remarks>
public sealed partial class OlderImport
{
    private const int BatchRows = 500;

    // As the store's own loading advises: a merge of many documents costs each of them far less.
    private const int DocumentsBetweenMerges = 1_000;

    private readonly OlderImportOptions _options;
    private readonly IDocumentStore _documents;
    private readonly ISearchIndex _index;
    private readonly IStoreTables _tables;
    private readonly TimeProvider _time;
    private readonly IProgress<OlderImportProgress>? _progress;

    /// <summary>An import; nothing is touched yet.</summary>
    /// <param name="options">Where the older database is, and where its data go.</param>
    /// <param name="documents">The store that documents go to.</param>
    /// <param name="index">Its search index.</param>
    /// <param name="tables">The same store as tables, for the rest; stays the caller's.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="progress">Told after each batch and document; null for nobody.</param>
    public OlderImport(
        OlderImportOptions options,
        IDocumentStore documents,
        ISearchIndex index,
        IStoreTables tables,
        TimeProvider timeProvider,
        IProgress<OlderImportProgress>? progress = null
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _documents, _index, _tables) = (options, documents, index, tables);
        (_time, _progress) = (timeProvider, progress);
    }

    /// <summary>Imports, or goes on importing, and counts again at the end.</summary>
    /// <returns>What became of each table's rows.</returns>
    /// <exception cref="SlipwayException">
    /// The older database cannot be read as a whole, or what is in the store at the end is not what was read.
    /// </exception>
    public async Task<IReadOnlyList<OlderImportCount>> RunAsync(CancellationToken cancellationToken = default)
    {
        var older = await OlderDatabase.OpenAsync(_options, cancellationToken).ConfigureAwait(false);
        await using (older.ConfigureAwait(false))
        {
            try
            {
                return await ImportAsync(older, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                throw new SlipwayException(
                    ErrorClass.Authentication,
                    $"The older database {older.Target} does not let this login see everything: {exception.MessageText}",
                    "Use a login above row-level security, such as the owner of its tables.",
                    exception
                );
            }
            catch (Exception exception) when (PostgresErrors.IsTheDatabases(exception))
            {
                throw PostgresErrors.Describe(exception, older.Target);
            }
        }
    }

    private async Task<IReadOnlyList<OlderImportCount>> ImportAsync(
        OlderDatabase older,
        CancellationToken cancellationToken
    )
    {
        List<OlderImportCount> counts =
        [
            await ImportUsersAsync(older, cancellationToken).ConfigureAwait(false),
            await ImportConversationsAsync(older, cancellationToken).ConfigureAwait(false),
            await ImportRequestsAsync(older, cancellationToken).ConfigureAwait(false),
            await ImportMessagesAsync(older, cancellationToken).ConfigureAwait(false),
            .. await ImportDocumentsAsync(older, cancellationToken).ConfigureAwait(false),
            await ImportPipelinesAsync(older, cancellationToken).ConfigureAwait(false),
        ];
        var wrong = counts.FindAll(count => count.Read != count.Added + count.Present + count.LeftOut.Values.Sum());
        return wrong is []
            ? counts
            : throw new SlipwayException(
                ErrorClass.Permanent,
                $"Not everything arrived: {string.Join(", ", wrong.Select(count => count.What))}.",
                "Run the import again while nothing else writes to the store."
            );
    }
}
