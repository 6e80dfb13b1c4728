using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>What a simulation must find out.</summary>
internal enum Sabotage
{
    None,

    /// <summary>A worker publishes without a claim.</summary>
    UnfencedWorker,

    /// <summary>A planner writes without a lease.</summary>
    UnfencedPlanner,

    /// <summary>Nothing holds back the deletion of what has vanished.</summary>
    NoDeleteGuard,

    /// <summary>What is embedded already is not found.</summary>
    PaidTwice,
}

internal static class SabotageExtensions
{
    /// <summary>Changes a call before it takes effect.</summary>
    public static void Tamper(this Sabotage sabotage, GatedCall call)
    {
        switch (sabotage, call.Name)
        {
            case (Sabotage.UnfencedWorker, "IDocumentStore.PublishBatchAsync"):
                var publications = (IReadOnlyList<DocumentPublication>)call.Arguments[0]!;
                call.Arguments[0] = publications.Select(one => one with { Claim = null }).ToList();
                break;
            case (Sabotage.UnfencedPlanner, "IDocumentQueue.ApplyAsync"):
                call.Arguments[0] = (PlannedChanges)call.Arguments[0]! with { Planner = null };
                break;
            case (Sabotage.PaidTwice, "IDocumentStore.FindEmbeddedAsync"):
                call.Arguments[1] = Array.Empty<string>();
                break;
        }
    }
}
