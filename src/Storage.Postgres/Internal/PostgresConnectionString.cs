using System.Globalization;
using Npgsql;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>Reads a connection string or URL, and names its database without its secrets.</summary>
internal static class PostgresConnectionString
{
    // Statements of this store that are prepared on a connection once they were used twice.
    private const int PreparedStatements = 128;

    public static string Parse(PostgresStorageOptions options) =>
        Parse(options.ConnectionString, "Storage:ConnectionString")
        ?? throw new SlipwayException(
            ErrorClass.Configuration,
            "Storage:ConnectionString is not set.",
            "Set it (or DATABASE_URL) to postgres://user:password@host:5432/database, or hand in an NpgsqlDataSource."
        );

    public static string? ParseDirect(PostgresStorageOptions options) =>
        Parse(options.DirectConnectionString, "Storage:DirectConnectionString");

    /// <summary>Host, port and database.</summary>
    public static string Describe(string connectionString)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"'{parts.Database ?? parts.Username}' on {parts.Host}:{parts.Port}"
        );
    }

    private static string? Parse(string? text, string setting)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            var parts = IsUrl(text) ? FromUrl(text) : new NpgsqlConnectionStringBuilder(text);
            if (string.IsNullOrEmpty(parts.Host))
            {
                throw new ArgumentException("No host is named.");
            }

            if (!parts.ShouldSerialize("Max Auto Prepare"))
            {
                parts.MaxAutoPrepare = PreparedStatements;
                parts.AutoPrepareMinUsages = 2;
            }

            return parts.ConnectionString;
        }
        catch (Exception exception)
            when (exception is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // The text itself may hold a password, and so may the cause's message.
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"{setting} cannot be read: {Reason(exception, text)}",
                "Expected is postgres://user:password@host:5432/database?sslmode=require or Host=…;Database=…;Username=…;Password=…"
            );
        }
    }

    private static string Reason(Exception exception, string text) =>
        IsUrl(text)
            ? exception is FormatException
                ? "it is not a URL; special characters of user name and password must be percent-encoded (@ as %40)."
                : exception.Message
            : "a part of it is not 'Key=Value' with a key that Npgsql knows, or no host is named.";

    private static bool IsUrl(string text) =>
        text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);

    private static NpgsqlConnectionStringBuilder FromUrl(string text)
    {
        var url = new Uri(text, UriKind.Absolute);
        var parts = new NpgsqlConnectionStringBuilder { Host = Uri.UnescapeDataString(url.Host) };
        if (url.Port > 0)
        {
            parts.Port = url.Port;
        }

        var user = url.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
        {
            parts.Username = Uri.UnescapeDataString(user[0]);
        }

        if (user.Length == 2)
        {
            parts.Password = Uri.UnescapeDataString(user[1]);
        }

        if (url.AbsolutePath.Length > 1)
        {
            parts.Database = Uri.UnescapeDataString(url.AbsolutePath[1..]);
        }

        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = pair.Split('=', 2) is [var left, var right] ? (left, right) : (pair, "");
            Set(parts, Uri.UnescapeDataString(key), Uri.UnescapeDataString(value));
        }

        return parts;
    }

    /// <summary>libpq's names where they differ from Npgsql's: https://www.postgresql.org/docs/current/libpq-connect.html</summary>
    private static void Set(NpgsqlConnectionStringBuilder parts, string key, string value)
    {
        var name = key.ToLowerInvariant() switch
        {
            "sslmode" => "SSL Mode",
            "sslrootcert" => "Root Certificate",
            "sslcert" => "SSL Certificate",
            "sslkey" => "SSL Key",
            "application_name" => "Application Name",
            "connect_timeout" => "Timeout",
            "target_session_attrs" => "Target Session Attributes",
            "channel_binding" => "Channel Binding",
            "options" => "Options",
            "host" => "Host",
            "user" => "Username",
            "password" => "Password",
            "dbname" => "Database",
            _ => key,
        };
        try
        {
            parts[name] = name == "SSL Mode" ? value.Replace("-", "", StringComparison.Ordinal) : value;
        }
        catch (Exception exception)
            when (exception is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            throw new ArgumentException($"the parameter '{key}' or its value is not one that Npgsql knows.", exception);
        }
    }
}
