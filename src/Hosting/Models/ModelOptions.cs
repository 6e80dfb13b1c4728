namespace Slipway.Hosting.Models;

/// <summary>The language model that answers. With nothing set there is none, and answers are quotations.</summary>
public sealed record ModelOptions : EndpointOptions
{
    /// <summary>Value of <see cref="EndpointOptions.Model"/> unless set: <c>gpt-4o-mini</c>.</summary>
    public const string DefaultModelName = "gpt-4o-mini";

    private const string Section = "Agent:Model";

    /// <summary>
    /// How long the endpoint may take to the first token of its answer, retries not counted. Null, the default, for
    /// <see cref="EndpointOptions.Timeout"/>.
    /// </summary>
    public TimeSpan? FirstTokenTimeout { get; set; }

    /// <summary>
    /// How long it may pause in the middle of its answer. Null, the default, for <see cref="EndpointOptions.Timeout"/>.
    /// </summary>
    public TimeSpan? TokenTimeout { get; set; }

    /// <summary>
    /// The models that are asked, in this order, when this one fails before its first token. One that names no endpoint is at the endpoint
    /// of this one, with its key; one that names an endpoint has a key of its own. Time-outs that one does not set are those of this one.
    /// Empty by default.
    /// </summary>
    public IReadOnlyList<ModelOptions> Fallbacks { get; set; } = [];

    /// <summary>Which fallback it is; null for the preferred model.</summary>
    internal int? Fallback { get; init; }

    /// <summary>The model that a fallback stands in for.</summary>
    internal ModelOptions? Preferred { get; init; }

    internal TimeSpan FirstTokenTimeoutInUse => FirstTokenTimeout ?? Preferred?.FirstTokenTimeout ?? Timeout;

    internal TimeSpan TokenTimeoutInUse => TokenTimeout ?? Preferred?.TokenTimeout ?? Timeout;

    internal string FirstTokenTimeoutSetting => Name(nameof(FirstTokenTimeout));

    internal string TokenTimeoutSetting => Name(nameof(TokenTimeout));

    /// <inheritdoc/>
    protected override string DefaultModel => DefaultModelName;

    internal override string ProviderSetting => Fallback is null ? "LLM_PROVIDER" : Name(nameof(Provider));
    internal override string BaseUrlSetting => Fallback is null ? "LLM_BASE_URL" : Name(nameof(BaseUrl));
    internal override string ApiKeySetting => Fallback is null ? "LLM_API_KEY" : Name(nameof(ApiKey));
    internal override string ModelSetting => Fallback is null ? "LLM_CHOICE" : Name(nameof(Model));

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        foreach (var failure in base.Validate())
        {
            yield return failure;
        }

        (string Setting, TimeSpan? Value)[] timeouts =
        [
            (FirstTokenTimeoutSetting, FirstTokenTimeout),
            (TokenTimeoutSetting, TokenTimeout),
        ];
        foreach (var (setting, value) in timeouts.Where(timeout => timeout.Value <= TimeSpan.Zero))
        {
            yield return $"{setting} is {value}; set one above zero, such as 00:01:00, or leave it out.";
        }

        if (Fallbacks.Count > 0 && !IsConfigured)
        {
            yield return $"{Section}:{nameof(Fallbacks)} are set and no model is that they could stand in for; set {ModelSetting} and "
                + $"{BaseUrlSetting}, or leave them out.";
            yield break;
        }

        foreach (var fallback in InOrder().Skip(1))
        {
            if (fallback.Fallbacks.Count > 0)
            {
                yield return $"{fallback.Name(nameof(Fallbacks))} are fallbacks of a fallback; put all of them into {Section}:{nameof(Fallbacks)}.";
            }
            else if (string.IsNullOrWhiteSpace(fallback.Model))
            {
                yield return $"{fallback.ModelSetting} is empty; name the model.";
            }
            else
            {
                foreach (var failure in fallback.Validate())
                {
                    yield return failure;
                }
            }
        }
    }

    /// <summary>This model and its fallbacks, each complete.</summary>
    internal IEnumerable<ModelOptions> InOrder() =>
        Fallbacks
            .Select(
                (fallback, i) =>
                    string.IsNullOrWhiteSpace(fallback.BaseUrl) && string.IsNullOrWhiteSpace(fallback.Provider)
                        ? fallback with
                        {
                            Fallback = i,
                            Preferred = this,
                            BaseUrl = BaseUrl,
                            Provider = Provider,
                            ApiKey = string.IsNullOrWhiteSpace(fallback.ApiKey) ? ApiKey : fallback.ApiKey,
                        }
                        : fallback with
                        {
                            Fallback = i,
                            Preferred = this,
                        }
            )
            .Prepend(this);

    private string Name(string setting) =>
        Fallback is { } i
            ? string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"{Section}:{nameof(Fallbacks)}:{i}:{setting}"
            )
            : $"{Section}:{setting}";
}
