using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Slipway.Hosting;

// A host as an application writes it, for tests of its command line.
return await SlipwayHost.RunAsync(
    args,
    arguments =>
    {
        var builder = Host.CreateApplicationBuilder(arguments);
        builder.AddSlipway().UseSqlite().AddPostgresCopy();
        return builder.Build();
    }
);
