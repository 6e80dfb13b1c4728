using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway;

/// <summary>Source-generated JSON of the shared types: camelCase, no reflection.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SearchResult))]
public sealed partial class SlipwayJsonContext : JsonSerializerContext;
