using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Hosting.Identity;
using Slipway.Identity;

namespace Slipway.Hosting.Verbs;

/// <summary><c>keys</c>: lists, makes, rotates and revokes API keys. It needs no key, so the first one can be made with it.</summary>
internal sealed class KeysVerb : Verb
{
    private const string Create = "--create";
    private const string User = "--user";
    private const string Scopes = "--scopes";
    private const string Days = "--days";
    private const string Rotate = "--rotate";
    private const string Overlap = "--overlap";
    private const string Revoke = "--revoke";
    private const string Tenant = "--tenant";

    public override string Name => "keys";

    public override string Usage =>
        $"[{Create} NAME {User} USER {Scopes} A,B [{Days} N]], [{Rotate} ID [{Overlap} HOURS]] or [{Revoke} ID], [{Tenant} NAME]";

    public override string Summary =>
        $"Lists API keys, or makes, replaces or ends one. Scopes are {string.Join(", ", ApiKeyScopes.All)}.";

    public override IReadOnlyList<string> Options =>
        [.. new[] { Create, User, Scopes, Days, Rotate, Overlap, Revoke, Tenant }.Select(option => option + "=")];

    public override async Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        if (new[] { Create, Rotate, Revoke }.Count(options.Has) > 1)
        {
            throw Wrong($"{Name} does one thing at a time: {Create}, {Rotate} or {Revoke}.");
        }

        var keys = Store<IApiKeyStore>(services, "for API keys");
        var issuer = new ApiKeyIssuer(keys, services.GetRequiredService<TimeProvider>());
        var tenant = options.Find(Tenant) ?? Principal.DefaultTenant;
        if (options.Find(Create) is { } name)
        {
            var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
            var issued = await issuer
                .CreateAsync(
                    new Principal(
                        tenant,
                        options.Find(User) ?? throw Wrong($"{Name} {Create} needs {User}: who the key acts as.")
                    ),
                    name,
                    options
                        .Find(Scopes)
                        ?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
                    Number(options, Days) is { } days ? now + TimeSpan.FromDays(days) : null,
                    cancellationToken
                )
                .ConfigureAwait(false);
            await PrintAsync(issued).ConfigureAwait(false);
        }
        else if (options.Find(Rotate) is { } old)
        {
            var issued = await issuer
                .RotateAsync(
                    tenant,
                    old,
                    Number(options, Overlap) is { } hours ? TimeSpan.FromHours(hours) : null,
                    expiresAt: null,
                    cancellationToken
                )
                .ConfigureAwait(false);
            await PrintAsync(issued ?? throw NotFound(old)).ConfigureAwait(false);
        }
        else if (options.Find(Revoke) is { } id)
        {
            if (!await keys.RevokeAsync(tenant, id, cancellationToken).ConfigureAwait(false))
            {
                throw NotFound(id);
            }

            await output.WriteLineAsync($"{id} is revoked").ConfigureAwait(false);
        }
        else
        {
            await ListAsync(
                    keys,
                    tenant,
                    services.GetRequiredService<TimeProvider>().GetUtcNow(),
                    output,
                    cancellationToken
                )
                .ConfigureAwait(false);
        }

        return 0;

        async Task PrintAsync(IssuedKey issued)
        {
            await output.WriteLineAsync(issued.Text).ConfigureAwait(false);
            await output.WriteLineAsync("It is shown this once; keep it where secrets are kept.").ConfigureAwait(false);
        }

        SlipwayException NotFound(string id) =>
            new(
                ErrorClass.Permanent,
                $"Tenant '{tenant}' has no such key '{id}' that could be used.",
                $"Run {Name} to list them."
            );
    }

    private static async Task ListAsync(
        IApiKeyStore keys,
        string tenant,
        DateTimeOffset now,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        string? after = null;
        do
        {
            var page = await keys.ListAsync(tenant, after: after, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            foreach (var key in page.Keys)
            {
                await output.WriteLineAsync(Line(key, now)).ConfigureAwait(false);
            }

            after = page.Next;
        } while (after is not null);
    }

    private static string Line(ApiKey key, DateTimeOffset now)
    {
        var state =
            key.RevokedAt is { } revoked ? $"revoked {Time(revoked)}"
            : key.ExpiresAt is not { } end ? "active"
            : end <= now ? $"expired {Time(end)}"
            : $"active until {Time(end)}";
        var used = key.LastUsedAt is { } last ? $"used {Time(last)}" : "never used";
        return $"{key.Id}  {key.Name}  as {key.UserId}  {string.Join(',', key.Scopes)}  {state}  {used}";

        static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
    }

    private double? Number(VerbOptions options, string option) =>
        options.Find(option) is not { } text ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && number is >= 0 and < 100_000
            ? number
        : throw Wrong($"{option} is '{text}'; it is a number of 0 or more.");
}
