using System.Buffers.Binary;

namespace Slipway.Tests;

/// <summary>Finds the ends of messages in what a client sends: https://www.postgresql.org/docs/current/protocol-message-formats.html</summary>
internal sealed class FrontendMessages
{
    private readonly byte[] _header = new byte[5];
    private int _known; // bytes of the header
    private int _left; // bytes of the body
    private bool _isOpen; // the first message has no kind before its length

    /// <returns>How many of the bytes belong to the message that is under way, and its kind when they are its last ones, else 0.</returns>
    public (int Length, char Kind) Next(ReadOnlySpan<byte> bytes)
    {
        var used = 0;
        if (!_isOpen && _known == 0)
        {
            (_header[0], _known) = ((byte)'!', 1);
        }

        for (; _known < _header.Length; used++)
        {
            if (used == bytes.Length)
            {
                return (used, '\0');
            }

            _header[_known++] = bytes[used];
            if (_known == _header.Length)
            {
                _left = BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(1)) - 4;
            }
        }

        var body = Math.Min(_left, bytes.Length - used);
        _left -= body;
        if (_left > 0)
        {
            return (used + body, '\0');
        }

        (_known, _isOpen) = (0, true);
        return (used + body, (char)_header[0]);
    }

    /// <summary>Sync and simple queries.</summary>
    public static bool AsksForAnswer(char kind) => kind is 'S' or 'Q';
}
