using System.Globalization;
using Slipway.Rag.Storage;

namespace Slipway.Tests;

/// <summary>The worker that tests start as a process of its own, to stop or kill it: a line in is an order, a line out its outcome.</summary>
internal static class WorkerProgram
{
    public const string Verb = "worker";
    public const string Lease = "lease";
    public const string Claim = "claim";
    public const string Renew = "renew";
    public const string Publish = "publish";

    private const string IngestVerb = "ingest";
    private const string TurnVerb = "turn";

    public const string EndedEarly = "ended early: ";
    public const string Lost = "lost";
    public static readonly TimeSpan Duration = TimeSpan.FromHours(1);

    public static async Task<int> RunAsync(string address, string owner, Func<string, WorkerDatabase> open)
    {
        await using var database = open(address);
        Lease? lease = null;
        DocumentClaim? claim = null;
        while (await Console.In.ReadLineAsync() is { } order)
        {
            await Console.Out.WriteLineAsync(
                order switch
                {
                    Lease => (lease = await database.Leases.AcquireAsync("planner", owner, Duration)) is null
                        ? Lost
                        : "held",
                    Claim => (claim = await ClaimAsync(database, owner)) is null ? Lost : "held",
                    Renew => await database.Leases.RenewAsync(lease!, Duration) is null ? Lost : "held",
                    Publish => await PublishAsync(database, claim!),
                    _ when order.Split(' ', 3) is [IngestVerb, var held, var folder] => await IngestAsync(
                        database,
                        folder,
                        TimeSpan.FromMilliseconds(int.Parse(held, CultureInfo.InvariantCulture))
                    ),
                    _ when order.Split(' ', 3) is [TurnVerb, var conversation, var effects] => await new TurnWorker(
                        effects
                    ).RunAsync(database, conversation),
                    _ => "unknown",
                }
            );
            await Console.Out.FlushAsync();
        }

        return 0;
    }

    /// <summary>A database that is busy for long ends a run, and a host tries again.</summary>
    private static async Task<string> IngestAsync(WorkerDatabase database, string folder, TimeSpan held)
    {
        try
        {
            return await WorkerEngine.RunAsync(database, folder, held);
        }
        catch (SlipwayException exception) when (exception.Class == ErrorClass.Transient)
        {
            return EndedEarly + exception.Message.ReplaceLineEndings(" ");
        }
    }

    /// <summary>The order to bring the database up to date with a folder.</summary>
    public static string Ingest(string folder, TimeSpan held) =>
        string.Create(CultureInfo.InvariantCulture, $"{IngestVerb} {held.TotalMilliseconds} {folder}");

    /// <summary>The order to run a turn of a conversation.</summary>
    public static string Turn(string conversation, string effects) => $"{TurnVerb} {conversation} {effects}";

    public static async Task<DocumentClaim?> ClaimAsync(WorkerDatabase database, string owner) =>
        (await database.Queue.ClaimAsync(CollectionKey.Default, owner, 1, Duration)).SingleOrDefault();

    /// <returns>The name of the error's type, or "published".</returns>
    public static async Task<string> PublishAsync(WorkerDatabase database, DocumentClaim claim)
    {
        try
        {
            await database.Documents.PublishAsync(
                new DocumentPublication
                {
                    Collection = claim.Collection,
                    Source = claim.Source,
                    Document = claim.Document,
                    DocumentId = claim.Entry.DocumentId,
                    BaseVersion = claim.Entry.Version,
                    Claim = claim,
                    MediaType = "text/plain",
                    Title = claim.Document.Name,
                    Size = claim.Owner.Length,
                    SeenAt = claim.ExpiresAt - Duration,
                    ContentHash = ChunkIdentity.Hash(claim.Owner),
                    PipelineFingerprint = "pipeline/1",
                    Metadata = new Dictionary<string, string>(0),
                    Chunks =
                    [
                        new ChunkRecord
                        {
                            Ordinal = 0,
                            Start = 0,
                            End = claim.Owner.Length,
                            Text = claim.Owner,
                            ContentHash = ChunkIdentity.Hash(claim.Owner),
                        },
                    ],
                }
            );
            return "published";
        }
        catch (SlipwayException exception)
        {
            return exception.GetType().Name;
        }
    }
}
