namespace Slipway.Rag.Storage.Copying;

/// <summary>What a column of a store holds, whatever the engine calls it.</summary>
public enum StoreColumnType
{
    /// <summary>A <see cref="string"/>.</summary>
    Text,

    /// <summary>A <see cref="long"/>.</summary>
    Integer,

    /// <summary>A <see cref="double"/>.</summary>
    Real,

    /// <summary>A <see cref="bool"/>.</summary>
    Boolean,

    /// <summary>A <see cref="DateTimeOffset"/> in whole milliseconds, UTC.</summary>
    Time,

    /// <summary>An array of <see cref="byte"/>.</summary>
    Bytes,

    /// <summary>An array of <see cref="float"/>.</summary>
    Vector,
}

/// <summary>A column.</summary>
/// <param name="Name">Its name, the same on every engine.</param>
/// <param name="Type">What it holds.</param>
public sealed record StoreColumn(string Name, StoreColumnType Type);

/// <summary>A table as it is copied from one store to another: the key comes first, and rows are read in its order.</summary>
/// <remarks>
/// What a store makes anew for itself is not among the columns: packed postings and their buckets, revisions, who runs what.
/// </remarks>
public sealed class StoreTable
{
    /// <summary>
    /// The search index of each document, merged or not, as rows of <c>lexical_deltas</c>: no engine need analyse a text again, and each
    /// packs them in its own way.
    /// </summary>
    public const string Postings = "lexical_deltas";

    /// <summary>The table of search indexes, of which the live ones are copied.</summary>
    public const string Indexes = "index_generations";

    private StoreTable(string name, string columns)
    {
        Name = name;
        var parts = columns.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Columns = [.. parts.Select(Parse)];
        Key = [.. Columns.Take(parts.Count(part => part.EndsWith('!')))];
    }

    /// <summary>Every table, those before that others refer to.</summary>
    public static IReadOnlyList<StoreTable> All { get; } =
    [
        new("sources", "tenant! collection! name! cursor created_at:time last_run_at:time"),
        new(
            "documents",
            """
            id! tenant collection source external_id name title media_type uri state version:integer size:integer modified_at:time
            modified_ticks:integer seen_at:time content_hash blob_hash pipeline_fingerprint fencing_token:integer attempts:integer
            last_error last_error_class next_action_at:time chunk_count:integer table_columns metadata source_metadata created_at:time
            updated_at:time published_at:time source_media_type source_title derived_title
            """
        ),
        new("document_metadata", "document_id! key:bytes! value:bytes number:real instant:integer tenant collection"),
        new("document_principals", "document_id! principal!"),
        new(
            "document_versions",
            """
            document_id! version:integer! content_hash size:integer pipeline_fingerprint text_length:integer chunk_count:integer
            published_at:time superseded_at:time
            """
        ),
        new(
            "chunks",
            """
            id:integer! document_id ordinal:integer version:integer start_offset:integer end_offset:integer headings repeated_header text
            content_hash
            """
        ),
        new("embeddings", "content_hash! model! dimensions:integer vector:vector created_at:time"),
        new("document_rows", "id:integer! document_id table_name row_number:integer row_data"),
        new("blobs", "tenant! hash! length:integer content:bytes created_at:time"),
        new(
            Indexes,
            "id:integer! tenant collection generation:integer state analyzer created_at:time embedding_model embedding_gaps:boolean"
        ),
        new(Postings, "index_id:integer! document_id! postings:bytes"),
        new("ingestion_runs", "id:integer! tenant collection source started_at:time finished_at:time report"),
        new(
            "ingestion_attempts",
            "id:integer! document_id started_at:time duration_ms:integer outcome error_class error"
        ),
        new("leases", "name! fencing_token:integer"),
        new("users", "tenant! id! email display_name is_admin:boolean created_at:time updated_at:time"),
        new(
            "api_keys",
            "id! tenant user_id name hash scopes created_at:time expires_at:time last_used_at:time revoked_at:time"
        ),
        new(
            "conversations",
            "tenant! id! user_id title metadata created_at:time last_message_at:time archived_at:time"
        ),
        new("attachments", "tenant! conversation_id! user_id! hash! media_type name length:integer created_at:time"),
        new(
            "messages",
            """
            sequence:integer! tenant conversation_id id turn_id role format:integer content created_at:time superseded_at:time
            """
        ),
        new(
            "turns",
            """
            id! tenant conversation_id user_id status finish_reason error_class error input_tokens:integer output_tokens:integer owner
            fencing_token:integer idempotency_key started_at:time finished_at:time stop_requested_at:time request request_hash
            """
        ),
        new("turn_steps", "turn_id! number:integer! kind name call_id status data started_at:time finished_at:time"),
        new("turn_events", "turn_id! sequence:integer! data created_at:time"),
        new("memories", "id! tenant user_id text hash vector:vector model created_at:time updated_at:time"),
        new(
            "usage",
            """
            id:integer! tenant user_id turn_id kind model input_tokens:integer output_tokens:integer created_at:time
            cached_input_tokens:integer cost:integer tool
            """
        ),
        new("usage_days", "tenant! user_id! day:time! tokens:integer cost:integer"),
        new(
            "turn_reservations",
            """
            turn_id! tenant user_id day:time tokens:integer cost:integer used_tokens:integer used_cost:integer admitted_at:time
            expires_at:time settled_at:time
            """
        ),
    ];

    /// <summary>Its name, the same on every engine.</summary>
    public string Name { get; }

    /// <summary>Its columns, those of the key first.</summary>
    public IReadOnlyList<StoreColumn> Columns { get; }

    /// <summary>The columns that identify a row and put the rows in order. Text is in the order of its UTF-8 bytes.</summary>
    public IReadOnlyList<StoreColumn> Key { get; }

    /// <summary>The table of this name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static StoreTable Named(string name) =>
        All.FirstOrDefault(table => table.Name == name)
        ?? throw new ArgumentException($"There is no table '{name}'.", nameof(name));

    /// <summary>The columns that are written: without a key that the store gives out itself, which is null in all rows.</summary>
    internal IReadOnlyList<int> Written(IReadOnlyList<object?[]> rows) =>
        [.. Enumerable.Range(0, Columns.Count).Where(i => i >= Key.Count || rows.Any(row => row[i] is not null))];

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static StoreColumn Parse(string part)
    {
        var (name, type) = part.TrimEnd('!').Split(':') is [var first, var second]
            ? (first, second)
            : (part.TrimEnd('!'), "text");
        return new StoreColumn(name, Enum.Parse<StoreColumnType>(type, ignoreCase: true));
    }
}
