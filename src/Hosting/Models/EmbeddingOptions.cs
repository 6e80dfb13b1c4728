using System.Globalization;

namespace Slipway.Hosting.Models;

/// <summary>The model that makes vectors of text. With nothing set there is none, and search is by words alone.</summary>
public sealed record EmbeddingOptions : EndpointOptions
{
    /// <summary>Value of <see cref="EndpointOptions.Model"/> unless set: <c>text-embedding-3-small</c>.</summary>
    public const string DefaultModelName = "text-embedding-3-small";

    /// <summary>Value of <see cref="BatchSize"/> unless set: 96, which every provider takes.</summary>
    public const int DefaultBatchSize = 96;

    /// <summary>Value of <see cref="BatchCharacters"/> unless set: 200,000, some 50,000 tokens.</summary>
    public const int DefaultBatchCharacters = 200_000;

    private const string Section = "Rag:Embedding";

    /// <summary>Length of the vectors, for models that can shorten them. Null for the model's own.</summary>
    public int? Dimensions { get; set; }

    /// <summary>
    /// The model before, at the same endpoint: it embeds queries until a collection is embedded with the new one. Without it words alone
    /// find passages meanwhile.
    /// </summary>
    public string? PreviousModel { get; set; }

    /// <summary>Length of that model's vectors, where it was set. Null for the model's own.</summary>
    public int? PreviousDimensions { get; set; }

    /// <summary>How many texts one request takes at most.</summary>
    public int BatchSize { get; set; } = DefaultBatchSize;

    /// <summary>How many characters one request takes at most; a single longer text goes alone.</summary>
    public int BatchCharacters { get; set; } = DefaultBatchCharacters;

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        foreach (var failure in base.Validate())
        {
            yield return failure;
        }

        (string Setting, int? Value)[] counts =
        [
            (nameof(BatchSize), BatchSize),
            (nameof(BatchCharacters), BatchCharacters),
            (nameof(Dimensions), Dimensions),
            (nameof(PreviousDimensions), PreviousDimensions),
        ];
        foreach (var (setting, value) in counts.Where(count => count.Value < 1))
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{Section}:{setting} is {value}; set 1 or more, or leave it out."
            );
        }

        if (Previous is null && PreviousDimensions is not null)
        {
            yield return $"{Section}:{nameof(PreviousDimensions)} is set and {Section}:{nameof(PreviousModel)} is not; name the model before, or leave both out.";
        }

        if (Previous is not null && !IsConfigured)
        {
            yield return $"{Section}:{nameof(PreviousModel)} is set and no endpoint is; set {BaseUrlSetting} or {ProviderSetting}, or leave it out.";
        }
    }

    /// <summary>The same for the model before; null when none is named.</summary>
    internal EmbeddingOptions? Previous =>
        string.IsNullOrWhiteSpace(PreviousModel)
            ? null
            : this with
            {
                Model = PreviousModel,
                Dimensions = PreviousDimensions,
            };

    /// <inheritdoc/>
    protected override string DefaultModel => DefaultModelName;

    internal override string ProviderSetting => "EMBEDDING_PROVIDER";
    internal override string BaseUrlSetting => "EMBEDDING_BASE_URL";
    internal override string ApiKeySetting => "EMBEDDING_API_KEY";
    internal override string ModelSetting => "EMBEDDING_MODEL_CHOICE";
}
