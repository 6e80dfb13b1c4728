using System.Net;
using System.Net.Sockets;

namespace Slipway.Agents.Models.Internal;

/// <summary>What can be done about a model's failure, also when the client is not one of ours.</summary>
internal static class ModelFailure
{
    /// <returns>Null when nothing is known about such an exception.</returns>
    public static ErrorClass? ClassOf(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case SlipwayException known:
                    return known.Class;
                case HttpRequestException { StatusCode: { } status }:
                    return ClassOf(status);
                case HttpRequestException or SocketException or IOException or TimeoutException:
                    return ErrorClass.Transient;
            }
        }

        return null;
    }

    /// <summary>For people; only messages that were written to be read by others pass.</summary>
    public static string Explain(Exception exception) =>
        exception is SlipwayException known ? known.Message : $"The model failed ({exception.GetType().Name}).";

    private static ErrorClass ClassOf(HttpStatusCode status) =>
        status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => ErrorClass.Authentication,
            HttpStatusCode.NotFound => ErrorClass.Configuration,
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests => ErrorClass.Transient,
            >= HttpStatusCode.InternalServerError => ErrorClass.Transient,
            _ => ErrorClass.Permanent,
        };
}
