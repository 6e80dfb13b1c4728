using System.Buffers;
using System.Globalization;
using System.Text;

namespace Slipway.Agents.Testing.Internal;

/// <summary>The answer to one request. What is written is sent by the next flush, in one piece.</summary>
internal sealed class HttpAnswer(HttpConnection connection, HttpRequestHead request)
{
    private readonly ArrayBufferWriter<byte> _unsent = new();
    private bool _isChunked;

    public bool HasBegun { get; private set; }

    /// <summary>Writes status line and headers of an answer whose length is not known yet.</summary>
    public void BeginStream(string contentType)
    {
        // A client of HTTP/1.0 reads to the end of the connection.
        _isChunked = request.IsHttp11;
        Begin(200, contentType, [], _isChunked ? "Transfer-Encoding: chunked\r\n" : "");
    }

    /// <summary>Writes a whole answer.</summary>
    public void WriteWhole(
        int status,
        string contentType,
        IReadOnlyList<(string Name, string Value)> headers,
        ReadOnlySpan<byte> body
    )
    {
        Begin(
            status,
            contentType,
            headers,
            $"Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n"
        );
        _unsent.Write(request.Method == "HEAD" ? [] : body);
    }

    /// <summary>Writes a piece of a stream.</summary>
    public void Write(ReadOnlySpan<byte> piece)
    {
        if (!_isChunked)
        {
            _unsent.Write(piece);
        }
        else if (piece.Length > 0) // a chunk without content is the end
        {
            Text(piece.Length.ToString("x", CultureInfo.InvariantCulture));
            _unsent.Write("\r\n"u8);
            _unsent.Write(piece);
            _unsent.Write("\r\n"u8);
        }
    }

    /// <summary>Writes the end of a stream.</summary>
    public void EndStream()
    {
        if (_isChunked)
        {
            _unsent.Write("0\r\n\r\n"u8);
        }
    }

    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await connection.WriteAsync(_unsent.WrittenMemory, cancellationToken);
        _unsent.ResetWrittenCount();
    }

    private void Begin(
        int status,
        string contentType,
        IReadOnlyList<(string Name, string Value)> headers,
        string framing
    )
    {
        HasBegun = true;
        Text($"HTTP/1.1 {status.ToString(CultureInfo.InvariantCulture)} {(System.Net.HttpStatusCode)status}\r\n");
        Text($"Content-Type: {contentType}\r\n");
        foreach (var (name, value) in headers)
        {
            Text($"{name}: {value}\r\n");
        }

        Text(framing);
        Text(request.KeepsAlive ? "\r\n" : "Connection: close\r\n\r\n");
    }

    private void Text(string text) => Encoding.Latin1.GetBytes(text, _unsent);
}
