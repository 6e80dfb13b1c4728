using Microsoft.Extensions.DependencyInjection;

namespace Slipway.Hosting.Verbs;

/// <summary>Something a host does once, on its command line: <c>copy --to URL</c>.</summary>
internal abstract class Verb
{
    /// <summary>All of them; <c>run</c>, the default, is the host itself.</summary>
    public static IReadOnlyList<Verb> All { get; } =
    [
        new CopyVerb(),
        new MigrateVerb(),
        new PlanVerb(),
        new RetryVerb(),
        new ExplainVerb(),
        new EraseVerb(),
        new KeysVerb(),
    ];

    public abstract string Name { get; }

    /// <summary>What follows the name, as people write it: <c>--to ADDRESS</c>.</summary>
    public abstract string Usage { get; }

    /// <summary>What it does, in a sentence.</summary>
    public abstract string Summary { get; }

    /// <summary>Its options; what a name ends in <c>=</c> takes a value.</summary>
    public abstract IReadOnlyList<string> Options { get; }

    /// <summary>What it is about, in capitals, if it takes such an argument without a name; null if it takes none.</summary>
    public virtual string? Operand => null;

    /// <summary>Does it, in a host that was built and is not started.</summary>
    /// <returns>The exit code.</returns>
    public abstract Task<int> RunAsync(
        IServiceProvider services,
        VerbOptions options,
        TextWriter output,
        CancellationToken cancellationToken
    );

    /// <summary>A part of the store that the verb works on.</summary>
    /// <exception cref="SlipwayException">The host has no store.</exception>
    protected static T Store<T>(IServiceProvider services, string what)
        where T : class =>
        services.GetService<T>()
        ?? throw new SlipwayException(
            ErrorClass.Configuration,
            $"This host has no store {what}.",
            "Add one, such as UseSqlite(…) of the package Slipway.Storage.Sqlite."
        );

    protected SlipwayException Wrong(string message) =>
        new(ErrorClass.Configuration, message, $"Write {Name} {Usage}.");
}

/// <summary>What was given to a verb.</summary>
/// <param name="values">Option and value; null for an option that takes none.</param>
/// <param name="operand">The argument without a name; null when there is none.</param>
internal sealed class VerbOptions(IReadOnlyDictionary<string, string?> values, string? operand)
{
    public string? Operand => operand;

    public bool Has(string option) => values.ContainsKey(option);

    public string? Find(string option) => values.GetValueOrDefault(option);
}
