using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Slipway.Hosting;

/// <summary>
/// JSON as it goes out: apostrophes and umlauts as they are. The default encoder escapes them for use inside of HTML, where this JSON never
/// is; people read these texts in logs and error messages, and a Japanese answer would be three times as long.
/// </summary>
internal static class Json
{
    public static JsonWriterOptions Readable { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task WriteAsync<T>(
        HttpContext context,
        T value,
        JsonTypeInfo<T> type,
        string contentType = "application/json"
    )
    {
        context.Response.ContentType = contentType + "; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff"; // the escaping above relies on the type being believed
        using (var json = new Utf8JsonWriter(context.Response.BodyWriter, Readable))
        {
            JsonSerializer.Serialize(json, value, type);
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    public static IResult Result<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) =>
        new JsonResult<T>(value, type, status);

    private sealed class JsonResult<T>(T value, JsonTypeInfo<T> type, int status) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = status;
            return WriteAsync(httpContext, value, type);
        }
    }
}
