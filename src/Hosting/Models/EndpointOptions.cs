namespace Slipway.Hosting.Models;

/// <summary>Where a model is served: any endpoint that speaks OpenAI's protocol.</summary>
public abstract record EndpointOptions
{
    /// <summary>Value of <see cref="Timeout"/> unless set: 60 seconds.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Value of <see cref="MaxRetries"/> unless set: 3.</summary>
    public const int DefaultMaxRetries = 3;

    /// <summary>The key that is sent when none is set: local servers want some key and look at none.</summary>
    public const string LocalKey = "ollama";

    // https://platform.openai.com/docs/api-reference, https://openrouter.ai/docs, https://docs.ollama.com/api/openai-compatibility,
    // https://docs.vllm.ai/en/latest/serving/openai_compatible_server/
    private static readonly Dictionary<string, string> BaseUrls = new(StringComparer.OrdinalIgnoreCase)
    {
        ["openai"] = "https://api.openai.com/v1",
        ["openrouter"] = "https://openrouter.ai/api/v1",
        ["ollama"] = "http://localhost:11434/v1",
        ["vllm"] = "http://localhost:8000/v1",
    };

    /// <summary>
    /// Stands for a <see cref="BaseUrl"/>: <c>openai</c> (the default), <c>openrouter</c>, <c>ollama</c> or <c>vllm</c>. It changes
    /// nothing else: all are spoken to in the same way.
    /// </summary>
    public string? Provider { get; set; }

    /// <summary>The endpoint, usually ending in <c>/v1</c>. Wins over <see cref="Provider"/>.</summary>
    public string? BaseUrl { get; set; }

    /// <summary>The key. May stay empty for an endpoint of your own.</summary>
    public string? ApiKey { get; set; }

    /// <summary>The model's name at the endpoint. May stay empty for the default.</summary>
    public string? Model { get; set; }

    /// <summary>How long the endpoint may say nothing, before its answer and in the middle of it. Default 60 seconds.</summary>
    public TimeSpan Timeout { get; set; } = DefaultTimeout;

    /// <summary>
    /// How often a request is tried again that the endpoint refused for the moment (408, 429, 5xx) or that did not reach it; never once
    /// the answer has begun. Default 3; 0 for never.
    /// </summary>
    public int MaxRetries { get; set; } = DefaultMaxRetries;

    /// <summary>Whether anything says which model to use. Without it there is none.</summary>
    public bool IsConfigured => !(IsEmpty(Provider) && IsEmpty(BaseUrl) && IsEmpty(ApiKey) && IsEmpty(Model));

    /// <summary>The model's name when none is set.</summary>
    protected abstract string DefaultModel { get; }

    internal abstract string ProviderSetting { get; }
    internal abstract string BaseUrlSetting { get; }
    internal abstract string ApiKeySetting { get; }
    internal abstract string ModelSetting { get; }

    internal string ModelInUse => IsEmpty(Model) ? DefaultModel : Model!.Trim();

    internal string KeyInUse => IsEmpty(ApiKey) ? LocalKey : ApiKey!.Trim();

    internal Uri EndpointInUse =>
        new(
            (
                IsEmpty(BaseUrl)
                    ? BaseUrls.GetValueOrDefault(Provider?.Trim() is { Length: > 0 } name ? name : "openai", "")
                    : BaseUrl!.Trim()
            ).TrimEnd('/')
        );

    /// <summary>What is wrong with the settings, each with its fix; empty when they can be used or when there are none.</summary>
    public virtual IEnumerable<string> Validate()
    {
        if (!IsConfigured)
        {
            yield break;
        }

        if (!IsEmpty(BaseUrl))
        {
            if (!Uri.TryCreate(BaseUrl!.Trim(), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            {
                yield return $"{BaseUrlSetting} is not an http or https URL; set one such as {BaseUrls["openai"]}.";
            }
        }
        else if (!IsEmpty(Provider) && !BaseUrls.ContainsKey(Provider!.Trim()))
        {
            yield return $"{ProviderSetting} is '{Provider}', which is not known; use one of {string.Join(", ", BaseUrls.Keys)}, or set "
                + $"{BaseUrlSetting} to the URL of any endpoint that speaks OpenAI's protocol.";
        }
        else if (IsEmpty(ApiKey) && EndpointInUse.Scheme == "https")
        {
            yield return $"{ApiKeySetting} is empty, and {EndpointInUse.Host} needs a key; set it, or set {BaseUrlSetting} to an endpoint of your own.";
        }

        if (Timeout <= TimeSpan.Zero)
        {
            yield return $"The time-out for {ModelInUse} is {Timeout}; set one above zero, such as 00:01:00.";
        }

        if (MaxRetries < 0)
        {
            yield return $"The number of retries for {ModelInUse} is {MaxRetries}; set 0 or more.";
        }
    }

    private static bool IsEmpty(string? value) => string.IsNullOrWhiteSpace(value);
}
