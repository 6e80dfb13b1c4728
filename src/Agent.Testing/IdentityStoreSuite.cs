using Microsoft.Extensions.Time.Testing;
using Slipway.Identity;

namespace Slipway.Agents.Testing;

/// <summary><see cref="IApiKeyStore"/> and <see cref="IUserStore"/>: who may call.</summary>
/// <param name="open">Opens the stores under test.</param>
public abstract class IdentityStoreSuite(OpenIdentityStore open) : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Principal Ada = new("t1", "ada");

    private readonly FakeTimeProvider _time = new(Start);
    private IdentityStoreFixture? _fixture;

    /// <summary>The stores under test.</summary>
    protected IdentityStoreFixture Fixture =>
        _fixture ?? throw new InvalidOperationException("The test has not begun.");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private IApiKeyStore Keys => Fixture.Keys;

    /// <summary>Makes the database.</summary>
    public virtual async ValueTask InitializeAsync() => _fixture = await open(_time, Cancellation);

    /// <summary>Removes it.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_fixture is not null)
        {
            await _fixture.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_key_is_found_by_its_hash_alone_and_is_as_it_was_stored()
    {
        var key = Key("k1") with { ExpiresAt = Start.AddDays(1), Name = "nightly \0 build" };
        await Keys.AddAsync(key, "hash-1", Cancellation);

        var found = await Keys.FindAsync("hash-1", Cancellation);

        Assert.Equivalent(key with { Name = "nightly \uFFFD build" }, found, strict: true);
        Assert.Null(await Keys.FindAsync("hash-2", Cancellation));
        Assert.Null(await Keys.FindAsync("k1", Cancellation));
        Assert.Null(await Keys.FindAsync("hash-1\0", Cancellation));
    }

    [Fact]
    public async Task Two_keys_never_share_an_id_or_a_hash()
    {
        await Keys.AddAsync(Key("k1"), "hash-1", Cancellation);
        await Assert.ThrowsAnyAsync<Exception>(async () => await Keys.AddAsync(Key("k1"), "hash-2", Cancellation));
        await Assert.ThrowsAnyAsync<Exception>(async () => await Keys.AddAsync(Key("k2"), "hash-1", Cancellation));
        Assert.Single((await Keys.ListAsync("t1", cancellationToken: Cancellation)).Keys);
    }

    [Fact]
    public async Task A_tenants_keys_are_listed_by_page_and_no_other_tenants()
    {
        for (var i = 0; i < 5; i++)
        {
            await Keys.AddAsync(Key($"k{i}", i % 2 == 0 ? "ada" : "eve"), $"hash-{i}", Cancellation);
        }

        await Keys.AddAsync(Key("other") with { Tenant = "t2" }, "hash-other", Cancellation);
        List<string> seen = [];
        string? after = null;
        do
        {
            var page = await Keys.ListAsync("t1", 2, after, Cancellation);
            Assert.InRange(page.Keys.Count, 1, 2);
            seen.AddRange(page.Keys.Select(key => key.Id));
            after = page.Next;
        } while (after is not null);

        Assert.Equal(["k0", "k1", "k2", "k3", "k4"], seen);
        Assert.Empty((await Keys.ListAsync("t3", cancellationToken: Cancellation)).Keys);
    }

    [Fact]
    public async Task A_revoked_key_stays_revoked_since_the_first_time()
    {
        await Keys.AddAsync(Key("k1"), "hash-1", Cancellation);
        Assert.False(await Keys.RevokeAsync("t2", "k1", Cancellation));
        Assert.True((await Keys.FindAsync("hash-1", Cancellation))!.IsActive(_time.GetUtcNow()));

        Assert.True(await Keys.RevokeAsync("t1", "k1", Cancellation));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(await Keys.RevokeAsync("t1", "k1", Cancellation));

        var revoked = (await Keys.FindAsync("hash-1", Cancellation))!;
        Assert.Equal(Start, revoked.RevokedAt);
        Assert.False(revoked.IsActive(_time.GetUtcNow()));
        Assert.Null(await RotateAsync("t1", "k1", "k2", TimeSpan.FromDays(1)));
    }

    [Fact]
    public async Task A_rotated_key_goes_on_until_the_overlap_is_over()
    {
        await Keys.AddAsync(Key("k1"), "hash-k1", Cancellation);
        Assert.Null(await RotateAsync("t2", "k1", "k2", TimeSpan.FromHours(1)));

        var second = await RotateAsync("t1", "k1", "k2", TimeSpan.FromHours(1));

        Assert.Equivalent(Key("k2"), second, strict: true);
        Assert.Equivalent(second, await Keys.FindAsync("hash-k2", Cancellation), strict: true);
        Assert.Equal(Start.AddHours(1), (await Keys.FindAsync("hash-k1", Cancellation))!.ExpiresAt);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False((await Keys.FindAsync("hash-k1", Cancellation))!.IsActive(_time.GetUtcNow()));
        Assert.Null(await RotateAsync("t1", "k1", "k3", TimeSpan.FromHours(1)));
    }

    [Fact]
    public async Task Rotating_never_makes_an_old_key_live_longer_nor_a_new_one_forever()
    {
        await Keys.AddAsync(Key("k1") with { ExpiresAt = Start.AddDays(30) }, "hash-k1", Cancellation);
        _time.Advance(TimeSpan.FromDays(29));

        var second = await RotateAsync("t1", "k1", "k2", TimeSpan.FromDays(7));
        var third = await RotateAsync("t1", "k2", "k3", TimeSpan.Zero, Start.AddDays(31));

        Assert.Equal(Start.AddDays(30), (await Keys.FindAsync("hash-k1", Cancellation))!.ExpiresAt);
        Assert.Equal(Start.AddDays(59), second!.ExpiresAt);
        Assert.Equal(Start.AddDays(31), third!.ExpiresAt);
        Assert.False((await Keys.FindAsync("hash-k2", Cancellation))!.IsActive(_time.GetUtcNow()));
    }

    [Fact]
    public async Task Use_is_noted_at_most_once_a_while()
    {
        await Keys.AddAsync(Key("k1"), "hash-1", Cancellation);
        await UseAsync();
        Assert.Equal(Start, await LastUsedAsync());

        _time.Advance(TimeSpan.FromSeconds(59));
        await UseAsync();
        Assert.Equal(Start, await LastUsedAsync());

        _time.Advance(TimeSpan.FromSeconds(1));
        await UseAsync();
        Assert.Equal(Start.AddMinutes(1), await LastUsedAsync());

        async Task UseAsync() =>
            await Keys.MarkUsedAsync(
                (await Keys.FindAsync("hash-1", Cancellation))!,
                TimeSpan.FromMinutes(1),
                Cancellation
            );
        async Task<DateTimeOffset?> LastUsedAsync() => (await Keys.FindAsync("hash-1", Cancellation))!.LastUsedAt;
    }

    [Fact]
    [Trait("Parity", "S127")]
    public async Task Users_say_how_they_want_to_be_called_each_for_themselves()
    {
        Assert.Null(await Fixture.Users.FindAsync(Ada, Cancellation));
        await Fixture.Users.SaveAsync(Ada, "Ada", "ada@example.com", Cancellation);
        _time.Advance(TimeSpan.FromHours(1));

        var saved = await Fixture.Users.SaveAsync(Ada, "Ada \0 L.", cancellationToken: Cancellation);

        Assert.Equal(
            new UserProfile
            {
                DisplayName = "Ada \uFFFD L.",
                Email = "ada@example.com",
                CreatedAt = Start,
                UpdatedAt = Start.AddHours(1),
            },
            saved
        );
        Assert.Equal(saved, await Fixture.Users.FindAsync(Ada, Cancellation));
        Assert.Null(await Fixture.Users.FindAsync(Ada with { Tenant = "t2" }, Cancellation));
        Assert.Null(await Fixture.Users.FindAsync(Ada with { Id = "eve" }, Cancellation));
    }

    [Fact]
    public async Task An_admin_stays_one_when_the_name_is_changed()
    {
        await Fixture.Users.SaveAsync(Ada, "Ada", cancellationToken: Cancellation);
        await Fixture.MakeAdminAsync(Ada, Cancellation);

        Assert.True((await Fixture.Users.SaveAsync(Ada, null, cancellationToken: Cancellation)).IsAdmin);
        Assert.Null((await Fixture.Users.FindAsync(Ada, Cancellation))!.DisplayName);
    }

    private static ApiKey Key(string id, string user = "ada") =>
        new()
        {
            Id = id,
            Tenant = "t1",
            UserId = user,
            Name = "key",
            Scopes = [ApiKeyScopes.Chat, ApiKeyScopes.ReadDocuments],
            CreatedAt = Start,
        };

    private async Task<ApiKey?> RotateAsync(
        string tenant,
        string id,
        string newId,
        TimeSpan overlap,
        DateTimeOffset? expiresAt = null
    ) =>
        await Keys.RotateAsync(
            tenant,
            id,
            newId,
            "hash-" + newId,
            _time.GetUtcNow() + overlap,
            expiresAt,
            Cancellation
        );
}
