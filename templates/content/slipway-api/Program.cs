using Slipway.Hosting;

return await SlipwayHost.RunAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddSlipway().UseSqlite().AddRag().AddFolder("knowledge").AddAgent().AddIngestion().AddHttpApi();

    var app = builder.Build();
    app.MapSlipway();
    return app;
});
