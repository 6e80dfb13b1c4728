using Slipway.Storage.Sqlite.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// The entry point that xunit would generate, and the worker that tests start and kill.
return args switch
{
    [WorkerProgram.Verb, var address, var owner] => await WorkerProgram.RunAsync(
        address,
        owner,
        name => new SqliteWorkerDatabase(name)
    ),
    _ when args.Contains("--server") || args.Contains("--internal-msbuild-node") =>
        await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await ConsoleRunner.Run(args),
};
