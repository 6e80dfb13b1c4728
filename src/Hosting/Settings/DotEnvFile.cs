using System.Text;

namespace Slipway.Hosting.Settings;

/// <summary>
/// Reads a <c>.env</c> file: <c>NAME=value</c> lines, <c>#</c> comments, an optional <c>export</c>, values in single quotes (as they
/// are) or double quotes (with <c>\n \t \" \\</c>), both over several lines. No variables are expanded: a password may hold a dollar.
/// </summary>
internal static class DotEnvFile
{
    /// <exception cref="SlipwayException">A line is not an assignment; the message has its number, never its text.</exception>
    public static Dictionary<string, string?> Parse(string text, string path)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            var first = i;
            if (line.StartsWith("export ", StringComparison.Ordinal))
            {
                line = line["export ".Length..].TrimStart();
            }

            var equals = line.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? "" : line[..equals].TrimEnd();
            if (name.Length == 0 || name.Any(char.IsWhiteSpace))
            {
                throw Malformed(path, first, "is not NAME=value");
            }

            var value = line[(equals + 1)..].TrimStart();
            if (value.Length > 0 && value[0] is '"' or '\'')
            {
                while (EndOfQuoted(value) < 0)
                {
                    if (++i == lines.Length)
                    {
                        throw Malformed(path, first, "opens a quote that is never closed");
                    }

                    value += '\n' + lines[i];
                }

                value = Unquote(value[..EndOfQuoted(value)]);
            }
            else if (value.IndexOf(" #", StringComparison.Ordinal) is >= 0 and var comment)
            {
                value = value[..comment].TrimEnd();
            }

            // The same names as in the process environment: two underscores separate sections.
            values[name.Replace("__", ":", StringComparison.Ordinal)] = value;
        }

        return values;
    }

    /// <summary>Index of the closing quote, or -1.</summary>
    private static int EndOfQuoted(string value)
    {
        for (var i = 1; i < value.Length; i++)
        {
            if (value[0] == '"' && value[i] == '\\')
            {
                i++;
            }
            else if (value[i] == value[0])
            {
                return i;
            }
        }

        return -1;
    }

    private static string Unquote(string quoted)
    {
        if (quoted[0] == '\'')
        {
            return quoted[1..];
        }

        var value = new StringBuilder(quoted.Length);
        for (var i = 1; i < quoted.Length; i++)
        {
            var next = quoted[i] == '\\' && i + 1 < quoted.Length ? quoted[++i] : '\0';
            value.Append(
                next switch
                {
                    '\0' => quoted[i].ToString(),
                    'n' => "\n",
                    't' => "\t",
                    '"' or '\\' => next.ToString(),
                    _ => "\\" + next,
                }
            );
        }

        return value.ToString();
    }

    private static SlipwayException Malformed(string path, int line, string what) =>
        new(
            ErrorClass.Configuration,
            $"Line {line + 1} of '{path}' {what}.",
            "Write NAME=value, or put a # in front of the line."
        );
}
