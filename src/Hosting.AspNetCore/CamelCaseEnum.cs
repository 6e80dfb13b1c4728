using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway.Hosting;

/// <summary>Enum values as their names in camelCase, like every other name in the JSON.</summary>
internal sealed class CamelCaseEnum<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.CamelCase)
    where TEnum : struct, Enum;
