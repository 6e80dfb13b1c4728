using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using System.Net.Http;
using System.Net.Sockets;

namespace Slipway.Hosting.Models.Internal;

/// <summary>An endpoint by name: what went wrong there, in words that name its host, the status and the setting to fix.</summary>
internal sealed class ModelEndpoint(EndpointOptions options, TimeProvider timeProvider)
{
    private const int MaxDetail = 300;

    public EndpointOptions Options => options;

    public TimeProvider Time => timeProvider;

    public string Host => options.EndpointInUse.Authority;

    /// <summary>A failure of the client library or of the network as an error of ours.</summary>
    public SlipwayException Describe(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case SlipwayException known:
                    return known;
                case ClientResultException { Status: > 0 } refused:
                    return DescribeStatus(refused);
                case HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } network:
                    return DescribeNetwork(network);
                case SocketException or IOException:
                    return new(
                        ErrorClass.Transient,
                        $"The connection to {Host} broke: {cause.Message}",
                        "Try again; if it happens often, look at the endpoint's log and at what stands between.",
                        exception
                    );
            }
        }

        return NotUnderstood(exception);
    }

    public SlipwayException Silent() =>
        new(
            ErrorClass.Transient,
            $"{Host} sent nothing for {options.Timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} seconds.",
            $"Try again; a model that needs longer to begin needs a longer time-out. Check {options.BaseUrlSetting} if it never answers."
        );

    public SlipwayException NotUnderstood(Exception? exception = null) =>
        new(
            ErrorClass.Configuration,
            $"{Host} answered with something that is not OpenAI's protocol.",
            $"Check that {options.BaseUrlSetting} is the root of an OpenAI-compatible API; most end in /v1.",
            exception
        );

    /// <summary>How long the endpoint asks to wait, if it does.</summary>
    public TimeSpan? RetryAfter(PipelineResponse? response)
    {
        // Azure's and OpenAI's own header, which is the more exact one.
        if (
            response?.Headers.TryGetValue("retry-after-ms", out var exact) == true
            && int.TryParse(exact, CultureInfo.InvariantCulture, out var milliseconds)
        )
        {
            return TimeSpan.FromMilliseconds(milliseconds);
        }

        if (response?.Headers.TryGetValue("Retry-After", out var value) != true)
        {
            return null;
        }

        if (int.TryParse(value, CultureInfo.InvariantCulture, out var seconds))
        {
            return TimeSpan.FromSeconds(seconds);
        }

        return DateTimeOffset.TryParse(
            value,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? time - timeProvider.GetUtcNow()
            : null;
    }

    private SlipwayException DescribeStatus(ClientResultException refused)
    {
        var detail = Detail(refused);
        return refused.Status switch
        {
            401 or 403 => new(
                ErrorClass.Authentication,
                $"{Host} refused the key ({refused.Status}).",
                $"Set {options.ApiKeySetting} to a key that is valid for {Host} and may use the model '{options.ModelInUse}'.",
                refused
            ),
            404 => new(
                ErrorClass.Configuration,
                $"{Host} has no model '{options.ModelInUse}', or nothing under this path (404).",
                $"Set {options.ModelSetting} to a model that it serves, and {options.BaseUrlSetting} to the root of its API; most end in /v1.",
                refused
            ),
            429 when detail.Contains("insufficient_quota", StringComparison.Ordinal) => new(
                ErrorClass.Authentication, // the key's fault and not the request's
                $"The account of this key at {Host} is used up (429).",
                $"Add credit there, or set {options.ApiKeySetting} to another key.",
                refused
            ),
            429 => new(
                ErrorClass.Transient,
                $"{Host} takes no more requests for now (429).",
                "Try again in a moment; if it happens often, ask there for a higher limit.",
                refused
            )
            {
                RetryAfter = RetryAfter(refused.GetRawResponse()),
            },
            408 or >= 500 => new(
                ErrorClass.Transient,
                $"{Host} failed ({refused.Status}).",
                "Try again in a moment; if it lasts, look at the endpoint's status or log.",
                refused
            )
            {
                RetryAfter = RetryAfter(refused.GetRawResponse()),
            },
            _ => new(
                ErrorClass.Permanent,
                $"{Host} did not take the request ({refused.Status}): {detail}",
                $"Check that the model '{options.ModelInUse}' ({options.ModelSetting}) can do what was asked.",
                refused
            ),
        };
    }

    private SlipwayException DescribeNetwork(HttpRequestException network) =>
        network.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => new(
                ErrorClass.Transient,
                $"The host '{options.EndpointInUse.Host}' cannot be found.",
                $"Check {options.BaseUrlSetting} and this machine's network.",
                network
            ),
            HttpRequestError.ConnectionError => new(
                ErrorClass.Transient,
                $"{Host} does not accept connections.",
                $"Start the server there, or set {options.BaseUrlSetting} to the endpoint that runs.",
                network
            ),
            HttpRequestError.SecureConnectionError => new(
                ErrorClass.Configuration,
                $"No secure connection to {Host} could be made.",
                $"Check that {options.BaseUrlSetting} has the right scheme and that its certificate is valid for the host.",
                network
            ),
            HttpRequestError.InvalidResponse => NotUnderstood(network),
            _ => new(
                ErrorClass.Transient,
                $"The connection to {Host} broke.",
                "Try again; if it happens often, look at the endpoint's log and at what stands between.",
                network
            ),
        };

    /// <summary>What the endpoint said, in one line and without the key.</summary>
    private string Detail(ClientResultException refused)
    {
        var detail = string.Join(' ', refused.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Replace(options.KeyInUse, "***", StringComparison.Ordinal);
        return detail.Length > MaxDetail ? detail[..MaxDetail] + "…" : detail;
    }
}
