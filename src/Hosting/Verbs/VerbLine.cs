namespace Slipway.Hosting.Verbs;

/// <summary>A command line: the verb first, then its options; everything else is the host's, such as settings.</summary>
/// <param name="Verb">Null to run the host.</param>
/// <param name="Options">The verb's options.</param>
/// <param name="HostArguments">What is left for the host's configuration.</param>
internal sealed record VerbLine(Verb? Verb, VerbOptions Options, string[] HostArguments)
{
    private const string Run = "run";

    /// <exception cref="SlipwayException">No such verb, or an option without its value.</exception>
    public static VerbLine Parse(string[] arguments)
    {
        var name = arguments is [var first, ..] && !first.StartsWith('-') ? first : null;
        var verb = name is null or Run ? null : Find(name);
        var options = new Dictionary<string, string?>(StringComparer.Ordinal);
        List<string> rest = [];
        for (var i = name is null ? 0 : 1; i < arguments.Length; i++)
        {
            var (option, value) = arguments[i].Split('=', 2) is [var left, var right]
                ? (left, right)
                : (arguments[i], null);
            if (verb?.Options.Contains(option + "=") == true)
            {
                options[option] =
                    value
                    ?? (
                        ++i < arguments.Length
                            ? arguments[i]
                            : throw Wrong($"{name} {option} needs a value.", $"Write {name} {option} VALUE.")
                    );
            }
            else if (value is null && verb?.Options.Contains(option) == true)
            {
                options[option] = null;
            }
            else
            {
                rest.Add(arguments[i]);
            }
        }

        return new VerbLine(verb, new VerbOptions(options), [.. rest]);
    }

    private static Verb Find(string name) =>
        Verb.All.FirstOrDefault(verb => verb.Name == name)
        ?? throw Wrong(
            $"There is no verb '{name}'.",
            $"Verbs are {Run} (the default), {string.Join(", ", Verb.All.Select(verb => verb.Name))}."
        );

    private static SlipwayException Wrong(string message, string fix) => new(ErrorClass.Configuration, message, fix);
}
