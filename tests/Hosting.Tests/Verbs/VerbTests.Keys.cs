namespace Slipway.Hosting.Tests.Verbs;

public sealed partial class VerbTests
{
    [Fact]
    public async Task Keys_are_made_listed_replaced_and_revoked_and_shown_once()
    {
        var (code, made, _) = await RunAsync(
            "keys",
            "--create",
            "nightly build",
            "--user=ci",
            "--scopes",
            "chat, documents:read",
            "--days",
            "30"
        );
        Assert.Equal(0, code);
        var secret = made.Split('\n')[0];
        Assert.Matches("^slw_[a-z0-9]{12}_[A-Za-z0-9]{43}$", secret);
        var id = secret.Split('_')[1];

        var (_, list, _) = await RunAsync("keys");
        Assert.StartsWith(
            $"{id}  nightly build  as ci  chat,documents:read  active until ",
            list,
            StringComparison.Ordinal
        );
        Assert.EndsWith("  never used\n", list, StringComparison.Ordinal);
        Assert.DoesNotContain(secret[^43..], list, StringComparison.Ordinal);
        Assert.Equal((0, "", ""), await RunAsync("keys", "--tenant", "other"));

        var (_, replaced, _) = await RunAsync("keys", "--rotate", id, "--overlap", "0");
        var newId = replaced.Split('_')[1];
        Assert.Contains(
            $"{id}  nightly build  as ci  chat,documents:read  expired ",
            (await RunAsync("keys")).Output,
            StringComparison.Ordinal
        );

        Assert.Equal((0, $"{newId} is revoked\n", ""), await RunAsync("keys", "--revoke", newId));
        Assert.Contains("  revoked ", (await RunAsync("keys")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync("keys", "--rotate", newId)).Code);
        Assert.Equal(1, (await RunAsync("keys", "--revoke", "nobody")).Code);
    }
}
