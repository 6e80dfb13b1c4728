using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Slipway.Agents;
using Slipway.Hosting.Models;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Settings;

[Trait("Tier", "fast")]
public sealed class FallbackSettingsTests
{
    [Fact]
    public void Fallbacks_have_the_preferred_models_settings_unless_they_say_otherwise()
    {
        var models = Read(
                ("LLM_BASE_URL", "http://127.0.0.1:1/v1"),
                ("LLM_API_KEY", "first"),
                ("LLM_CHOICE", "large"),
                ("Agent:Model:MaxRetries", "1"),
                ("Agent:Model:FirstTokenTimeout", "90"),
                ("Agent:Model:TokenTimeout", "20"),
                ("Agent:Model:Fallbacks:0:Model", "small"),
                ("Agent:Model:Fallbacks:1:Provider", "openrouter"),
                ("Agent:Model:Fallbacks:1:ApiKey", "second"),
                ("Agent:Model:Fallbacks:1:Model", "other"),
                ("Agent:Model:Fallbacks:1:MaxRetries", "5"),
                ("Agent:Model:Fallbacks:1:TokenTimeout", "00:00:40")
            )
            .InOrder()
            .ToList();

        Assert.Equal(["large", "small", "other"], models.Select(model => model.ModelInUse));
        Assert.Equal(["first", "first", "second"], models.Select(model => model.KeyInUse));
        Assert.Equal(
            ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", "https://openrouter.ai/api/v1"],
            models.Select(model => model.EndpointInUse.ToString())
        );
        Assert.Equal([1, 1, 5], models.Select(model => model.MaxRetries));
        Assert.Equal([90, 90, 90], models.Select(model => model.FirstTokenTimeoutInUse.TotalSeconds));
        Assert.Equal([20, 20, 40], models.Select(model => model.TokenTimeoutInUse.TotalSeconds));
        Assert.Empty(models[0].Validate());
    }

    [Fact]
    public void A_key_never_goes_to_an_endpoint_that_it_was_not_given_for()
    {
        var models = Read(
            ("LLM_API_KEY", "first"),
            ("Agent:Model:Fallbacks:0:BaseUrl", "https://elsewhere.example/v1"),
            ("Agent:Model:Fallbacks:0:Model", "m")
        );

        Assert.Equal(["first", EndpointOptions.LocalKey], models.InOrder().Select(model => model.KeyInUse));
    }

    [Fact]
    public async Task What_is_wrong_with_them_is_named_when_the_host_starts()
    {
        var builder = Create(
            TestHost.Settings(
                ("LLM_BASE_URL", "http://127.0.0.1:1/v1"),
                ("Agent:MaxRepeatedCalls", "0"),
                ("Agent:Model:FirstTokenTimeout", "-1"),
                ("Agent:Model:TokenTimeout", "soon"),
                ("Agent:Model:Fallbacks:0:BaseUrl", "nowhere"),
                ("Agent:Model:Fallbacks:0:Model", "m"),
                ("Agent:Model:Fallbacks:1:ApiKey", "k"),
                ("Agent:Model:Fallbacks:2:Modl", "m"),
                ("Agent:Model:Fallbacks:2:Model", "m"),
                ("Agent:Model:Fallbacks:2:MaxRetries", "-1")
            )
        );
        builder.AddSlipway().UseSqlite("never-opened.db").AddAgent();
        using var host = builder.Build();

        var error = await Assert.ThrowsAsync<AggregateException>(() =>
            host.StartAsync(TestContext.Current.CancellationToken)
        );

        var failures = error
            .InnerExceptions.Cast<OptionsValidationException>()
            .SelectMany(part => part.Failures)
            .ToList();
        string[] expected =
        [
            "Agent:MaxRepeatedCalls",
            "Agent:Model:FirstTokenTimeout",
            "Agent:Model:TokenTimeout",
            "Agent:Model:Fallbacks:0:BaseUrl",
            "Agent:Model:Fallbacks:1:Model",
            "Agent:Model:Fallbacks:2:Modl",
            "The number of retries for m",
        ];
        Assert.All(
            expected,
            name => Assert.Contains(failures, failure => failure.StartsWith(name, StringComparison.Ordinal))
        );
        Assert.Equal(expected.Length, failures.Count);
    }

    [Fact]
    public void Fallbacks_of_nothing_are_a_mistake() =>
        Assert.StartsWith(
            "Agent:Model:Fallbacks",
            Assert.Single(Read(("Agent:Model:Fallbacks:0:Model", "m")).Validate()),
            StringComparison.Ordinal
        );

    [Fact]
    public void The_number_of_repeated_calls_is_read()
    {
        using var host = Build(("Agent:MaxRepeatedCalls", "7"));

        Assert.Equal(7, host.Services.GetRequiredService<IOptions<AgentOptions>>().Value.MaxRepeatedCalls);
    }

    // Without the checks: some tests look at what they would refuse.
    private static ModelOptions Read(params (string, string?)[] settings)
    {
        using var host = Build(settings);
        ModelOptions options = new();
        foreach (var configure in host.Services.GetServices<IConfigureOptions<ModelOptions>>())
        {
            configure.Configure(options);
        }

        return options;
    }

    private static IHost Build(params (string, string?)[] settings)
    {
        var builder = Create(TestHost.Settings(settings));
        builder.AddSlipway().UseSqlite("never-opened.db").AddAgent();
        return builder.Build();
    }
}
