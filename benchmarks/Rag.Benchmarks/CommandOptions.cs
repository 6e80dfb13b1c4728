using System.Globalization;

namespace Slipway.Rag.Benchmarks;

/// <summary>What follows a command's name: a number without a name, and <c>--name value</c>. What no command knows is refused.</summary>
internal sealed class CommandOptions
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <param name="arguments">As typed. The one that has no name gets the first of <paramref name="names"/>.</param>
    /// <param name="names">The names that the command knows.</param>
    public CommandOptions(string[] arguments, params string[] names)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            var name = arguments[i].StartsWith("--", StringComparison.Ordinal) ? arguments[i][2..] : null;
            if (name is null && i == 0)
            {
                _values[names[0]] = arguments[i];
            }
            else if (name is not null && names.Contains(name) && i + 1 < arguments.Length)
            {
                _values[name] = arguments[++i];
            }
            else
            {
                throw new ArgumentException(
                    $"'{arguments[i]}' is not understood; expected: {string.Join(' ', names.Select(known => $"--{known} VALUE"))}."
                );
            }
        }
    }

    public string? Text(string name) => _values.GetValueOrDefault(name);

    public string Store => Text("store") ?? EngineStore.Sqlite;

    public int Number(string name, int otherwise) =>
        Text(name) is not { } text ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
        : throw new ArgumentException($"--{name} is '{text}'; expected a number of 1 or more.");
}
