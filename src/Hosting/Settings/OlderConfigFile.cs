using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace Slipway.Hosting.Settings;

/// <summary>
/// The older system's <c>config.json</c>, as settings. Weaker than the environment, flat names included. Fields that nobody here knows
/// are accepted.
/// </summary>
internal sealed class OlderConfigFile : ConfigurationProvider, IConfigurationSource
{
    private static readonly string[] Unused = ["export_mime_types", "last_check_time", "watch_folder_id"];

    private readonly Dictionary<string, string> _fields = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _path;

    /// <exception cref="SlipwayException">The file cannot be read, or is not what it should be.</exception>
    public OlderConfigFile(string path)
    {
        _path = path;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            Read(document.RootElement);
        }
        catch (JsonException exception)
        {
            throw Broken($"is not JSON: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                $"'{path}' (--config) cannot be read: {exception.Message}",
                "Name a file that is there and that this user may read, or leave --config out.",
                exception
            );
        }
    }

    /// <summary>Fields that are there and mean nothing here, with commas; empty when there are none.</summary>
    public string Ignored { get; private set; } = "";

    public string Path => _path;

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    /// <summary>The field that stands for a setting.</summary>
    public string? FindField(string key) => _fields.TryGetValue(key, out var field) ? $"{field} of '{_path}'" : null;

    private void Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Broken("is not a JSON object.");
        }

        Ignored = string.Join(", ", Unused.Where(field => root.TryGetProperty(field, out _)));
        Text(root, "watch_directory", "Rag:Folder");
        Texts(root, "supported_mime_types", "Rag:SupportedMediaTypes");
        Texts(root, "tabular_mime_types", "Rag:TabularMediaTypes");
        if (!root.TryGetProperty("text_processing", out var text))
        {
            return;
        }

        if (text.ValueKind != JsonValueKind.Object)
        {
            throw Broken("has a text_processing that is not an object.");
        }

        Text(text, "default_chunk_size", "Rag:Chunking:Size", "text_processing.");
        Text(text, "default_chunk_overlap", "Rag:Chunking:Overlap", "text_processing.");
        if (_fields.ContainsKey("Rag:Chunking:Size") || _fields.ContainsKey("Rag:Chunking:Overlap"))
        {
            Data["Rag:Chunking:Mode"] = "window"; // the sizes count characters of windows
        }
    }

    private void Text(JsonElement parent, string field, string key, string prefix = "")
    {
        if (parent.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null)
        {
            // What is no number is reported with all other settings.
            Data[key] = value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
            _fields[key] = prefix + field;
        }
    }

    private void Texts(JsonElement parent, string field, string key)
    {
        if (!parent.TryGetProperty(field, out var list))
        {
            return;
        }

        if (
            list.ValueKind != JsonValueKind.Array
            || list.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String)
        )
        {
            throw Broken($"has a {field} that is not a list of texts.");
        }

        foreach (var (i, item) in list.EnumerateArray().Index())
        {
            Data[key + ":" + i.ToString(CultureInfo.InvariantCulture)] = item.GetString();
        }
    }

    private SlipwayException Broken(string what, Exception? inner = null) =>
        new(
            ErrorClass.Configuration,
            $"'{_path}' (--config) {what}",
            "Its fields are watch_directory, supported_mime_types, tabular_mime_types, text_processing.default_chunk_size and text_processing.default_chunk_overlap.",
            inner
        );
}
