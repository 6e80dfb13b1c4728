using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Startup;

/// <summary>A failure as it is told to whoever started the process: what happened, what helps, how the process ends.</summary>
internal sealed record Failure(IReadOnlyList<string> Messages, string? Fix, int ExitCode)
{
    /// <summary>From typed errors; the text of an exception decides nothing.</summary>
    public static Failure From(Exception exception) =>
        exception switch
        {
            SlipwayException known => new([known.Message], known.Fix, ExitStatus.Of(known.Class)),
            OptionsValidationException invalid => new([.. invalid.Failures], null, 2),
            AggregateException { InnerExceptions.Count: > 0 } several => Merge([
                .. several.InnerExceptions.Select(From),
            ]),
            _ when Socket(exception) is { } socket => Address(exception, socket),
            { InnerException: SlipwayException inner } => From(inner),
            _ => new(
                [$"Something unexpected happened ({exception.GetType().Name}): {exception.Message}"],
                "Set Logging__LogLevel__Default=Debug to see where it happened.",
                1
            ),
        };

    public void Write(TextWriter writer)
    {
        if (Messages.Count == 1)
        {
            writer.WriteLine("error: " + Messages[0]);
        }
        else
        {
            writer.WriteLine($"error: {Messages.Count} settings or parts are wrong:");
            foreach (var message in Messages)
            {
                writer.WriteLine("  - " + message);
            }
        }

        if (Fix is not null)
        {
            writer.WriteLine("fix: " + Fix);
        }
    }

    // The first part that must be repaired decides: a wrong setting before a refused credential before what may pass.
    private static Failure Merge(IReadOnlyList<Failure> failures) =>
        failures.Count == 1
            ? failures[0]
            : new(
                [
                    .. failures.SelectMany(failure =>
                        failure.Fix is null
                            ? failure.Messages
                            : failure.Messages.Select(message => $"{message} {failure.Fix}")
                    ),
                ],
                null,
                failures.Any(failure => failure.ExitCode == 2) ? 2 : failures.Max(failure => failure.ExitCode)
            );

    private static SocketException? Socket(Exception? exception) =>
        exception as SocketException ?? (exception is null ? null : Socket(exception.InnerException));

    private static Failure Address(Exception exception, SocketException socket) =>
        socket.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse => new(
                [$"The address to listen on is taken by another program: {exception.Message}"],
                "End the other program, or choose another address with --urls http://127.0.0.1:PORT or ASPNETCORE_URLS.",
                2
            ),
            SocketError.AccessDenied or SocketError.AddressNotAvailable => new(
                [$"The address to listen on cannot be used: {exception.Message}"],
                "Choose an address of this machine and a port above 1023 with --urls or ASPNETCORE_URLS.",
                2
            ),
            _ => new([$"The network failed: {socket.Message}"], "Try again when the other side can be reached.", 1),
        };
}
