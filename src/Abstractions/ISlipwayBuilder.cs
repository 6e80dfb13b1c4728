using Microsoft.Extensions.DependencyInjection;

namespace Slipway;

/// <summary>
/// What <c>AddSlipway()</c> returns: the place where stores, sources, models and agents are registered.
/// Stores extend it with <c>UseSqlite(…)</c> and its like.
/// </summary>
public interface ISlipwayBuilder
{
    /// <summary>The application's services.</summary>
    IServiceCollection Services { get; }
}
