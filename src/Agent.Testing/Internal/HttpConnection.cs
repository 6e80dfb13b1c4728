using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Slipway.Agents.Testing.Internal;

/// <summary>
/// One client's connection: as much of HTTP/1.1 as loopback needs. It stands on the socket because a script breaks
/// connections, and because the ASP.NET Core framework is the web package's alone.
/// </summary>
internal sealed class HttpConnection(Socket socket) : IDisposable
{
    private const int MaxLine = 64 * 1024;
    private const int MaxBody = 256 * 1024 * 1024;
    private const string TooLong = "A body's length is no number, or more than 256 MB.";

    private readonly NetworkStream _stream = new(socket, ownsSocket: true);
    private readonly CancellationTokenSource _gone = new();
    private readonly byte[] _buffer = new byte[8 * 1024];
    private Task<int>? _pending;
    private int _start;
    private int _end;

    /// <summary>Cancelled when the client closes or breaks the connection while it is watched.</summary>
    public CancellationToken Gone => _gone.Token;

    /// <summary>Reads the next request.</summary>
    /// <returns>Null when the client has closed the connection between two requests.</returns>
    /// <exception cref="InvalidDataException">What came is not HTTP/1.1.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async Task<HttpRequestHead?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        if (_start == _end && !await FillAsync(cancellationToken))
        {
            return null;
        }

        var line = (await ReadLineAsync(cancellationToken)).Split(' ');
        if (line is not [var method, var target, "HTTP/1.1" or "HTTP/1.0"])
        {
            throw new InvalidDataException("The request line is not 'METHOD target HTTP/1.1'.");
        }

        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        while (await ReadLineAsync(cancellationToken) is { Length: > 0 } header)
        {
            if (header.IndexOf(':', StringComparison.Ordinal) is not (> 0 and var colon) || headers.Count == 200)
            {
                throw new InvalidDataException("A header is not 'name: value', or there are too many.");
            }

            var (name, value) = (header[..colon], header[(colon + 1)..].Trim());
            headers[name] = headers.TryGetValue(name, out var before) ? before + ", " + value : value;
        }

        return new(method, target, line[2] == "HTTP/1.1", headers);
    }

    /// <summary>Reads the body that belongs to a head, by length or in chunks.</summary>
    /// <inheritdoc cref="ReadHeadAsync" path="/exception" />
    public async Task<byte[]> ReadBodyAsync(HttpRequestHead head, CancellationToken cancellationToken)
    {
        if (head.Header("Expect").Equals("100-continue", StringComparison.OrdinalIgnoreCase))
        {
            await _stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancellationToken);
        }

        if (!head.Header("Transfer-Encoding").Contains("chunked", StringComparison.OrdinalIgnoreCase))
        {
            return head.Header("Content-Length") is { Length: > 0 } text
                ? await ReadExactlyAsync(Length(text, NumberStyles.None), cancellationToken)
                : [];
        }

        using MemoryStream body = new();
        while (true)
        {
            var size = (await ReadLineAsync(cancellationToken)).Split(';')[0].Trim();
            var chunk = await ReadExactlyAsync(Length(size, NumberStyles.AllowHexSpecifier), cancellationToken);
            if (chunk.Length == 0)
            {
                while (await ReadLineAsync(cancellationToken) is { Length: > 0 }) { } // trailers
                return body.ToArray();
            }

            body.Write(chunk);
            if (body.Length > MaxBody)
            {
                throw new InvalidDataException(TooLong);
            }

            await ReadLineAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Begins to read what comes after a request: the end of the connection, which cancels <see cref="Gone"/>, or the
    /// next request, which is kept. A client that sends its next request before the answer is not watched.
    /// </summary>
    public void Watch()
    {
        if (_start == _end && _pending is null)
        {
            _pending = ReadAheadAsync();
        }
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        await _stream.WriteAsync(bytes, cancellationToken);

    /// <summary>Closes the connection with a reset instead of an end.</summary>
    public void Reset() => socket.Close(0);

    public void Dispose() => _stream.Dispose();

    private async Task<int> ReadAheadAsync()
    {
        var count = 0;
        try
        {
            count = await _stream.ReadAsync(_buffer, CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Broken, or closed by this side: an end like any other.
        }

        if (count == 0)
        {
            await _gone.CancelAsync();
        }

        return count;
    }

    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        var count = _pending is null
            ? await _stream.ReadAsync(_buffer, cancellationToken)
            : await _pending.WaitAsync(cancellationToken);
        _pending = null;
        (_start, _end) = (0, count);
        return count > 0;
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        StringBuilder line = new();
        while (true)
        {
            if (_start == _end && !await FillAsync(cancellationToken))
            {
                throw new IOException("The connection ended within a request.");
            }

            var rest = _buffer.AsSpan(_start, _end - _start);
            var length = rest.IndexOf((byte)'\n');
            line.Append(Encoding.Latin1.GetString(length < 0 ? rest : rest[..length]));
            _start += length < 0 ? rest.Length : length + 1;
            if (line.Length > MaxLine)
            {
                throw new InvalidDataException("A line is longer than 64 KB.");
            }

            if (length >= 0)
            {
                return line.ToString().TrimEnd('\r');
            }
        }
    }

    private async Task<byte[]> ReadExactlyAsync(int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        for (var done = 0; done < length; )
        {
            if (_start == _end && !await FillAsync(cancellationToken))
            {
                throw new IOException("The connection ended within a request.");
            }

            var count = Math.Min(_end - _start, length - done);
            _buffer.AsSpan(_start, count).CopyTo(bytes.AsSpan(done));
            (_start, done) = (_start + count, done + count);
        }

        return bytes;
    }

    private static int Length(string text, NumberStyles style) =>
        int.TryParse(text, style, CultureInfo.InvariantCulture, out var length) && length is >= 0 and <= MaxBody
            ? length
            : throw new InvalidDataException(TooLong);
}

/// <summary>A request without its body.</summary>
internal sealed record HttpRequestHead(
    string Method,
    string Target,
    bool IsHttp11,
    IReadOnlyDictionary<string, string> Headers
)
{
    /// <summary>What stands for a request that is not HTTP/1.1: its answer ends the connection.</summary>
    public static readonly HttpRequestHead Unreadable = new("", "", false, new Dictionary<string, string>());

    /// <summary>Whether the connection serves another request after this one.</summary>
    public bool KeepsAlive =>
        IsHttp11 && !Header("Connection").Contains("close", StringComparison.OrdinalIgnoreCase) && Method != "HEAD";

    /// <summary>A header's value; empty when it was not sent.</summary>
    public string Header(string name) => Headers.GetValueOrDefault(name, "");
}
