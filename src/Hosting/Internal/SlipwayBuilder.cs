using Microsoft.Extensions.DependencyInjection;

namespace Slipway.Hosting.Internal;

internal sealed class SlipwayBuilder(IServiceCollection services) : ISlipwayBuilder
{
    public IServiceCollection Services { get; } = services;
}
