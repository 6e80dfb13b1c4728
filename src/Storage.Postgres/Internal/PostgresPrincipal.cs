using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>The setting <c>slipway.principal</c>, which row-level security reads: a JSON object with tenant and user.</summary>
internal static class PostgresPrincipal
{
    public static string Write(Principal principal)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("tenant", principal.Tenant);
            json.WriteString("user", principal.Id);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
