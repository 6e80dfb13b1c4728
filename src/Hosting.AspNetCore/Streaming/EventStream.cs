using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Slipway.Hosting.Streaming;

/// <summary>A server-sent event stream: JSON events that leave at once, comments that keep proxies from closing it.</summary>
internal sealed class EventStream(HttpContext context)
{
    private HttpResponse Response => context.Response;

    public bool HasStarted => Response.HasStarted;

    /// <summary>Sends the headers.</summary>
    public async Task StartAsync()
    {
        Response.ContentType = "text/event-stream";
        Response.Headers[HeaderNames.CacheControl] = "no-cache";
        Response.Headers["x-accel-buffering"] = "no"; // nginx would collect the events otherwise
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
    }

    /// <param name="value">The event.</param>
    /// <param name="type">Its type.</param>
    /// <param name="id">ASCII, by which a client that comes back names the last event it has seen; null for none.</param>
    public async Task WriteAsync<T>(T value, JsonTypeInfo<T> type, string? id = null)
    {
        if (id is not null)
        {
            Write("id: "u8);
            Encoding.ASCII.GetBytes(id, Response.BodyWriter);
            Write("\n"u8);
        }

        Write("data: "u8);
        using (var json = new Utf8JsonWriter(Response.BodyWriter, Json.Readable))
        {
            JsonSerializer.Serialize(json, value, type);
        }

        Write("\n\n"u8);
        await FlushAsync().ConfigureAwait(false);
    }

    public Task WriteDoneAsync() => WriteRawAsync("data: [DONE]\n\n"u8);

    public Task WriteHeartbeatAsync() => WriteRawAsync(": still here\n\n"u8);

    private Task WriteRawAsync(ReadOnlySpan<byte> bytes)
    {
        Write(bytes);
        return FlushAsync();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Response.BodyWriter.GetSpan(bytes.Length));
        Response.BodyWriter.Advance(bytes.Length);
    }

    private async Task FlushAsync() =>
        await Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
}
