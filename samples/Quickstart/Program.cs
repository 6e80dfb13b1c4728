using Quickstart;
using Slipway;
using Slipway.Hosting;

var (arguments, exitCode) = Arguments.Parse(args);
if (arguments is null)
{
    return exitCode;
}

// Development unless something else is said: one local user, loopback only.
var environment =
    Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT")
    ?? Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT")
    ?? Environments.Development;

return await SlipwayHost.RunAsync(() => arguments.Question is null ? Server() : Asker(arguments.Question));

IHost Asker(string question)
{
    var builder = Host.CreateApplicationBuilder(
        new HostApplicationBuilderSettings { EnvironmentName = environment, ContentRootPath = Arguments.Home }
    );
    builder.Logging.ClearProviders(); // standard output is the answer's; what matters is printed on standard error
    AddKnowledgeAndAgent(builder);
    builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<Question>(services, question));
    return builder.Build();
}

IHost Server()
{
    var builder = WebApplication.CreateBuilder(
        new WebApplicationOptions { EnvironmentName = environment, ContentRootPath = Arguments.Home }
    );
    builder.WebHost.UseUrls(arguments.Urls);
    builder.Logging.AddFilter("Slipway", LogLevel.Warning).AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
    builder.Services.Configure<LimitsOptions>(limits => limits.Requests = 0); // one person asks, on this machine
    AddKnowledgeAndAgent(builder).AddIngestion().AddHttpApi();

    var app = builder.Build();
    app.UseChatPage();
    app.MapSlipway();
    return app;
}

ISlipwayBuilder AddKnowledgeAndAgent(IHostApplicationBuilder builder)
{
    var slipway = builder
        .AddSlipway()
        .UseSqlite(arguments.Database)
        .AddRag(rag => rag.Interval = TimeSpan.FromSeconds(2))
        .AddFolder(arguments.Folder, name: "folder:" + arguments.Folder)
        .AddAgent(agent => agent.WaitForTurn = TimeSpan.FromSeconds(5)); // whoever stops an answer and asks again is not refused
    builder.Services.AddHostedService<FirstIngestion>();
    return slipway;
}
