namespace Slipway.Hosting.Verbs;

/// <summary>A command line: the verb first, then its options and what it is about; everything else is the host's, such as settings.</summary>
/// <param name="Verb">Null to run the host.</param>
/// <param name="Options">The verb's options.</param>
/// <param name="HostArguments">What is left for the host's configuration.</param>
/// <param name="AsksForHelp">Whether the verb is only to say how it is written.</param>
internal sealed record VerbLine(Verb? Verb, VerbOptions Options, string[] HostArguments, bool AsksForHelp)
{
    private const string Run = "run";
    private const string Help = "--help";

    /// <exception cref="SlipwayException">No such verb, an option without its value, or one argument too many.</exception>
    public static VerbLine Parse(string[] arguments)
    {
        var name = arguments is [var first, ..] && !first.StartsWith('-') ? first : null;
        var verb = name is null or Run ? null : Find(name);
        var (options, help) = (new Dictionary<string, string?>(StringComparer.Ordinal), false);
        string? operand = null;
        List<string> rest = [];
        for (var i = name is null ? 0 : 1; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            var (option, value) = argument.Split('=', 2) is [var left, var right] ? (left, right) : (argument, null);
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
            else if (verb is not null && argument == Help)
            {
                help = true;
            }
            else if (verb?.Operand is null)
            {
                rest.Add(argument);
            }
            else if (argument.StartsWith('-'))
            {
                rest.Add(argument);
                // As configuration reads it: what follows a name without '=' is its value.
                if (value is null && i + 1 < arguments.Length)
                {
                    rest.Add(arguments[++i]);
                }
            }
            else if (operand is null)
            {
                operand = argument;
            }
            else
            {
                throw Wrong(
                    $"{name} takes one {verb.Operand}, and there are '{operand}' and '{argument}'.",
                    "Put one with spaces into quotes. Write a setting as --Section:Name=VALUE."
                );
            }
        }

        return new VerbLine(verb, new VerbOptions(options, operand), [.. rest], help);
    }

    private static Verb Find(string name) =>
        Verb.All.FirstOrDefault(verb => verb.Name == name)
        ?? throw Wrong(
            $"There is no verb '{name}'.",
            $"Verbs are {Run} (the default), {string.Join(", ", Verb.All.Select(verb => verb.Name))}."
        );

    private static SlipwayException Wrong(string message, string fix) => new(ErrorClass.Configuration, message, fix);
}
