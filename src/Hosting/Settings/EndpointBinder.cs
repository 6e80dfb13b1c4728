using Microsoft.Extensions.Configuration;
using Slipway.Hosting.Models;

namespace Slipway.Hosting.Settings;

/// <summary>What every model's settings have; which values go together the options themselves know.</summary>
internal abstract class EndpointBinder<TOptions>(IConfiguration configuration, string section)
    : OptionsBinder<TOptions>(configuration, section)
    where TOptions : EndpointOptions
{
    protected override void Read(SettingsSection settings, TOptions options)
    {
        options.Provider = settings.Text("Provider", options.Provider);
        options.BaseUrl = settings.Text("BaseUrl", options.BaseUrl);
        options.ApiKey = settings.Text("ApiKey", options.ApiKey);
        options.Model = settings.Text("Model", options.Model);
        options.Timeout = settings.Duration("Timeout", options.Timeout);
        options.MaxRetries = settings.Number("MaxRetries", options.MaxRetries);
    }

    protected override IEnumerable<string> Check(TOptions options) => options.Validate();
}

internal sealed class ModelBinder(IConfiguration configuration)
    : EndpointBinder<ModelOptions>(configuration, "Agent:Model")
{
    protected override void Read(SettingsSection settings, ModelOptions options)
    {
        base.Read(settings, options);
        options.FirstTokenTimeout = settings.Duration("FirstTokenTimeout", options.FirstTokenTimeout);
        options.TokenTimeout = settings.Duration("TokenTimeout", options.TokenTimeout);
        List<ModelOptions> fallbacks = [];
        foreach (var section in settings.Sections("Fallbacks"))
        {
            // What is not said of a fallback is as the preferred model has it; what else there is of it, the options themselves know.
            ModelOptions fallback = new() { Timeout = options.Timeout, MaxRetries = options.MaxRetries };
            base.Read(section, fallback);
            fallback.FirstTokenTimeout = section.Duration("FirstTokenTimeout", fallback.FirstTokenTimeout);
            fallback.TokenTimeout = section.Duration("TokenTimeout", fallback.TokenTimeout);
            section.RejectUnknown();
            fallbacks.Add(fallback);
        }

        options.Fallbacks = fallbacks.Count > 0 ? fallbacks : options.Fallbacks;
    }
}

internal sealed class EmbeddingBinder(IConfiguration configuration)
    : EndpointBinder<EmbeddingOptions>(configuration, "Rag:Embedding")
{
    protected override void Read(SettingsSection settings, EmbeddingOptions options)
    {
        base.Read(settings, options);
        options.Dimensions = settings.Number("Dimensions", options.Dimensions);
        options.PreviousModel = settings.Text("PreviousModel", options.PreviousModel);
        options.PreviousDimensions = settings.Number("PreviousDimensions", options.PreviousDimensions);
        options.BatchSize = settings.Number("BatchSize", options.BatchSize);
        options.BatchCharacters = settings.Number("BatchCharacters", options.BatchCharacters);
    }
}
