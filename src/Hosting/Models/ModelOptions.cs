namespace Slipway.Hosting.Models;

/// <summary>The language model that answers. With nothing set there is none, and answers are quotations.</summary>
public sealed record ModelOptions : EndpointOptions
{
    /// <summary>Value of <see cref="EndpointOptions.Model"/> unless set: <c>gpt-4o-mini</c>.</summary>
    public const string DefaultModelName = "gpt-4o-mini";

    /// <inheritdoc/>
    protected override string DefaultModel => DefaultModelName;

    internal override string ProviderSetting => "LLM_PROVIDER";
    internal override string BaseUrlSetting => "LLM_BASE_URL";
    internal override string ApiKeySetting => "LLM_API_KEY";
    internal override string ModelSetting => "LLM_CHOICE";
}
