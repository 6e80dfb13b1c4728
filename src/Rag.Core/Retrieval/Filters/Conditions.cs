namespace Slipway.Rag.Retrieval.Filters;

/// <summary>See <see cref="SearchFilter.Metadata"/>.</summary>
public sealed class MetadataFilter : SearchFilter
{
    internal MetadataFilter(string key, IReadOnlyList<string> values)
        : base(values: values?.Count ?? 0) =>
        (Key, Values) = (Text(key, "A metadata key"), Texts(values!, "A metadata value", mayBeEmpty: true));

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>One of these; no duplicates.</summary>
    public IReadOnlyList<string> Values { get; }
}

/// <summary>See <see cref="SearchFilter.MetadataNumber"/>.</summary>
public sealed class MetadataNumberFilter : SearchFilter
{
    internal MetadataNumberFilter(string key, FilterRange<double> range)
    {
        Require(range.HasBound, "A range needs a bound.");
        Require(range.AllBounds(double.IsFinite), "A bound must be a finite number.");
        (Key, Range) = (Text(key, "A metadata key"), range);
    }

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>Finite bounds, one at least.</summary>
    public FilterRange<double> Range { get; }
}

/// <summary>See <see cref="SearchFilter.MetadataTime"/>.</summary>
public sealed class MetadataTimeFilter : SearchFilter
{
    internal MetadataTimeFilter(string key, FilterRange<DateTimeOffset> range)
    {
        Require(range.HasBound, "A range needs a bound.");
        (Key, Range) = (Text(key, "A metadata key"), range);
    }

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>One bound at least.</summary>
    public FilterRange<DateTimeOffset> Range { get; }
}

/// <summary>See <see cref="SearchFilter.Path"/>.</summary>
public sealed class PathFilter : SearchFilter
{
    internal PathFilter(string path) => Path = Text(path, "A path");

    /// <summary>The folder or name, as it was given.</summary>
    public new string Path { get; }
}

/// <summary>See <see cref="SearchFilter.Source"/>.</summary>
public sealed class SourceFilter : SearchFilter
{
    internal SourceFilter(IReadOnlyList<string> names)
        : base(values: names?.Count ?? 0) => Names = Texts(names!, "A source's name");

    /// <summary>One of these; no duplicates.</summary>
    public IReadOnlyList<string> Names { get; }
}

/// <summary>See <see cref="SearchFilter.MediaType"/>.</summary>
public sealed class MediaTypeFilter : SearchFilter
{
    internal MediaTypeFilter(IReadOnlyList<string> mediaTypes)
        : base(values: mediaTypes?.Count ?? 0) =>
        MediaTypes = Texts(mediaTypes?.Select(type => type?.ToLowerInvariant()!).ToArray()!, "A media type");

    /// <summary>One of these, in lower case; no duplicates.</summary>
    public IReadOnlyList<string> MediaTypes { get; }
}

/// <summary>See <see cref="SearchFilter.Document"/>.</summary>
public sealed class DocumentFilter : SearchFilter
{
    internal DocumentFilter(IReadOnlyList<string> ids)
        : base(values: ids?.Count ?? 0) => Ids = Texts(ids!, "A document id");

    /// <summary>One of these; no duplicates.</summary>
    public IReadOnlyList<string> Ids { get; }
}

/// <summary>See <see cref="SearchFilter.Modified"/>.</summary>
public sealed class ModifiedFilter : SearchFilter
{
    internal ModifiedFilter(FilterRange<DateTimeOffset> range)
    {
        Require(range.HasBound, "A range needs a bound.");
        Range = range;
    }

    /// <summary>One bound at least.</summary>
    public FilterRange<DateTimeOffset> Range { get; }
}

/// <summary>See <see cref="SearchFilter.Published"/>.</summary>
public sealed class PublishedFilter : SearchFilter
{
    internal PublishedFilter(FilterRange<DateTimeOffset> range)
    {
        Require(range.HasBound, "A range needs a bound.");
        Range = range;
    }

    /// <summary>One bound at least.</summary>
    public FilterRange<DateTimeOffset> Range { get; }
}
