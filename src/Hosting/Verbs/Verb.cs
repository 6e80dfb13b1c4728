namespace Slipway.Hosting.Verbs;

/// <summary>Something a host does once, on its command line: <c>copy --to URL</c>.</summary>
internal abstract class Verb
{
    /// <summary>All of them; <c>run</c>, the default, is the host itself.</summary>
    public static IReadOnlyList<Verb> All { get; } = [new CopyVerb(), new MigrateVerb()];

    public abstract string Name { get; }

    /// <summary>Its options; what a name ends in <c>=</c> takes a value.</summary>
    public abstract IReadOnlyList<string> Options { get; }

    /// <summary>Does it, in a host that was built and is not started.</summary>
    /// <returns>The exit code.</returns>
    public abstract Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    );
}

/// <summary>What was given to a verb.</summary>
/// <param name="values">Option and value; null for an option that takes none.</param>
internal sealed class VerbOptions(IReadOnlyDictionary<string, string?> values)
{
    public bool Has(string option) => values.ContainsKey(option);

    public string? Find(string option) => values.GetValueOrDefault(option);
}
