namespace Slipway.Tests;

/// <summary>A server that belongs to the tests alone: whoever shares it must wait while it is down.</summary>
internal interface IOwnPostgres : IAsyncDisposable
{
    /// <summary>Of a superuser, without a database.</summary>
    string ConnectionString { get; }

    /// <summary>Starts it again after it was stopped or killed.</summary>
    /// <param name="settings">As <c>name=value</c>, for this time only.</param>
    Task StartAsync(params string[] settings);

    /// <summary>Tells it to end its sessions and to stop.</summary>
    Task StopAsync();

    /// <summary>Ends it in the middle of whatever it does.</summary>
    Task KillAsync();
}
