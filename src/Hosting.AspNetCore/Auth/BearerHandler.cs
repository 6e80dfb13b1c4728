using System.Globalization;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Slipway.Hosting.Auth;

/// <summary>
/// A bearer token that somebody has to be asked about. Nobody gets in while they cannot be asked, but the caller is told so (503): a token that
/// is refused (401) is thrown away by clients.
/// </summary>
internal abstract partial class BearerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    private const string Bearer = "Bearer ";
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    public static string? TokenOf(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header
        && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
        && header[Bearer.Length..].Trim() is { Length: > 0 } token
            ? token
            : null;

    protected abstract Task<AuthenticateResult> CheckAsync(string token);

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (TokenOf(Request) is not { } token)
        {
            return AuthenticateResult.NoResult();
        }

        try
        {
            return await CheckAsync(token).ConfigureAwait(false);
        }
        catch (Exception exception) when (!Context.RequestAborted.IsCancellationRequested)
        {
            LogUnavailable(Logger, Scheme.Name, exception);
            return AuthenticateResult.Fail(new UnavailableException(exception));
        }
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        switch ((await HandleAuthenticateOnceSafeAsync().ConfigureAwait(false)).Failure)
        {
            case UnavailableException:
                Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                Response.Headers.RetryAfter = RetryAfter.TotalSeconds.ToString(CultureInfo.InvariantCulture);
                break;
            case var failure:
                Response.StatusCode = StatusCodes.Status401Unauthorized;
                Response.Headers.Append(
                    HeaderNames.WWWAuthenticate,
                    failure is null
                        ? "Bearer"
                        : $"Bearer error=\"invalid_token\", error_description=\"{failure.Message}\""
                );
                break;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Scheme}: who calls could not be checked.")]
    private static partial void LogUnavailable(ILogger logger, string scheme, Exception exception);

    private sealed class UnavailableException(Exception cause) : Exception("Who calls could not be checked.", cause);
}
