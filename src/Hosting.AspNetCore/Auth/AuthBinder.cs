using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Slipway.Hosting.Settings;

namespace Slipway.Hosting.Auth;

internal sealed class AuthBinder(IConfiguration configuration, IHostEnvironment environment)
    : OptionsBinder<AuthOptions>(configuration, "Auth")
{
    // RFC 7518, section 3.2: a key of the hash's size or larger.
    private const int MinSecretBytes = 32;

    protected override void Read(SettingsSection settings, AuthOptions options)
    {
        options.Authority = settings.Url("Authority", options.Authority);
        options.Secret = settings.Text("Secret", options.Secret);
        options.JwksUrl = settings.Url("JwksUrl", options.JwksUrl);
        options.UserEndpoint = settings.Url("UserEndpoint", options.UserEndpoint);
        options.UserEndpointKey = settings.Text("UserEndpointKey", options.UserEndpointKey);
        options.ApiKeys = settings.Flag("ApiKeys", options.ApiKeys);
        ChooseKind(settings, options);
        options.Issuer = settings.Text("Issuer", options.Issuer);
        options.Audience = settings.Text("Audience", options.Audience);
        options.TenantClaim = settings.Text("TenantClaim", options.TenantClaim);
        options.RoleClaim = settings.Text("RoleClaim", options.RoleClaim);
        options.AdminRole = settings.Text("AdminRole", options.AdminRole);
        options.GroupClaim = settings.Text("GroupClaim", options.GroupClaim);
        options.AllowedOrigins = settings.List("AllowedOrigins", options.AllowedOrigins);
    }

    /// <summary>
    /// SUPABASE_URL stands for a key set and for the user endpoint. A project with a secret need be asked for neither; with a service key the
    /// endpoint knows every token, also those that no key set can check.
    /// </summary>
    private static void ChooseKind(SettingsSection settings, AuthOptions options)
    {
        var ownKeySet = options.JwksUrl is not null && settings.NameInUse("JwksUrl") == "Auth:JwksUrl";
        var ownEndpoint = options.UserEndpoint is not null && settings.NameInUse("UserEndpoint") == "Auth:UserEndpoint";
        if (!ownEndpoint && (options.Secret is not null || ownKeySet || options.UserEndpointKey is null))
        {
            options.UserEndpoint = null;
        }

        if (!ownKeySet && (options.Secret is not null || options.UserEndpoint is not null))
        {
            options.JwksUrl = null;
        }
    }

    protected override IEnumerable<string> Check(AuthOptions options)
    {
        if (!options.IsSet)
        {
            return environment.IsDevelopment() ? CheckAddresses() : [NotSet()];
        }

        return CheckTokens(options)
            .Concat(
                options
                    .AllowedOrigins.Where(origin =>
                        !Uri.TryCreate(origin, UriKind.Absolute, out var url)
                        || url.GetLeftPart(UriPartial.Authority) != origin.TrimEnd('/')
                    )
                    .Select(origin =>
                        $"{Name("AllowedOrigins")} has '{origin}'; an origin is scheme, host and port, such as https://app.example.com."
                    )
            );
    }

    private string NotSet() =>
        $"Auth is not set, and the environment is '{environment.EnvironmentName}': everybody could read everything. Set Auth:Authority, "
        + "Auth:JwksUrl, Auth:Secret, Auth:UserEndpoint or Auth:ApiKeys, or DOTNET_ENVIRONMENT=Development for one local user on loopback.";

    private IEnumerable<string> CheckTokens(AuthOptions options)
    {
        if (options.Secret is not null && Encoding.UTF8.GetByteCount(options.Secret) < MinSecretBytes)
        {
            yield return $"{Name("Secret")} has fewer than {MinSecretBytes} bytes and could be guessed; use 32 random bytes or more.";
        }

        object?[] kinds = [options.Authority, options.JwksUrl, options.Secret, options.UserEndpoint];
        if (kinds.Count(kind => kind is not null) > 1)
        {
            yield return "More than one of Auth:Authority, Auth:JwksUrl, Auth:Secret and Auth:UserEndpoint is set; tokens are checked in one way, "
                + "so keep one.";
        }

        if (options.UserEndpoint is { IsLoopback: false } endpoint && endpoint.Scheme != Uri.UriSchemeHttps)
        {
            yield return $"{Name("UserEndpoint")} is not https; whoever sits between could read every token. Use https.";
        }

        if ((options.Authority ?? options.JwksUrl) is { } url)
        {
            var name = Name(options.Authority is null ? "JwksUrl" : "Authority");
            if (url.Scheme != Uri.UriSchemeHttps && !url.IsLoopback)
            {
                yield return $"{name} is not https; whoever sits between could hand out keys. Use https.";
            }

            if (options.Audience is null)
            {
                yield return $"Auth:Audience is not set, but {name} is, whose keys sign tokens for other applications too. Set the "
                    + "audience of this one.";
            }
        }
    }

    /// <summary>The addresses that are known before the server listens; <see cref="LoopbackOnly"/> checks the rest.</summary>
    private IEnumerable<string> CheckAddresses()
    {
        var urls =
            Configuration["urls"]?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            ?? [];
        foreach (var url in urls)
        {
            if (LoopbackOnly.IsLoopback(url) is not { } loopback)
            {
                yield return $"urls has '{url}', which is no address to listen on; write http://127.0.0.1:5080.";
            }
            else if (!loopback)
            {
                yield return LoopbackOnly.Refusal(url);
            }
        }
    }
}
