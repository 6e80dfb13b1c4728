using System.Security.Cryptography;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IBlobStore"/>: bytes by content.</summary>
public abstract class BlobStoreSuite(OpenStore open) : StoreSuite(open)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4_096)]
    [InlineData(100_000)]
    [InlineData(24_000_000)]
    public async Task Bytes_come_back_as_they_were_under_their_hash(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        using var content = new Trickle(bytes);

        var (hash, written) = await Store.Blobs.PutAsync("default", content, Token);

        Assert.Equal((Convert.ToHexStringLower(SHA256.HashData(bytes)), length), (hash, written));
        Assert.False(content.IsDisposed);
        await using var other = await Store.ReopenAsync(Token);
        Assert.Equal(bytes, await ReadAsync(other, hash));
    }

    [Fact]
    public async Task The_same_content_is_stored_once_a_tenant()
    {
        byte[] bytes = [1, 2, 3];
        var hashes = new HashSet<string>();
        foreach (var tenant in new[] { "default", "default", "elsewhere" })
        {
            hashes.Add((await Store.Blobs.PutAsync(tenant, new MemoryStream(bytes), Token)).Hash);
        }

        Assert.Equal(2, await Store.CountAsync(StoredKind.Blobs, Token));
        Assert.Null(await Store.Blobs.OpenAsync("nobody", Assert.Single(hashes), Token));
    }

    [Fact]
    public async Task Many_may_put_the_same_content_at_once()
    {
        await using var other = await Store.ReopenAsync(Token);
        var bytes = new byte[200_000];
        new Random(1).NextBytes(bytes);

        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(i =>
                    Task.Run(
                        async () =>
                            await (i % 2 == 0 ? Store : other).Blobs.PutAsync(
                                "default",
                                new MemoryStream(bytes),
                                Token
                            ),
                        Token
                    )
                )
        );

        Assert.Single(results.Distinct());
        Assert.Equal(1, await Store.CountAsync(StoredKind.Blobs, Token));
        Assert.Equal(bytes, await ReadAsync(Store, results[0].Hash));
    }

    [Fact]
    public async Task What_is_cancelled_halfway_is_not_stored()
    {
        using var cancelled = new CancellationTokenSource();
        using var content = new Trickle(new byte[1_000_000]) { Halfway = cancelled.Cancel };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.Blobs.PutAsync("default", content, cancelled.Token)
        );

        Assert.Equal(0, await Store.CountAsync(StoredKind.Blobs, Token));
    }

    [Fact]
    public async Task What_cannot_be_read_to_its_end_is_not_stored()
    {
        using var content = new Trickle(new byte[1_000_000])
        {
            Halfway = () => throw new IOException("The connection was lost."),
        };

        await Assert.ThrowsAsync<IOException>(async () => await Store.Blobs.PutAsync("default", content, Token));

        Assert.Equal(0, await Store.CountAsync(StoredKind.Blobs, Token));
        await Store.Blobs.PutAsync("default", new MemoryStream([1]), Token);
        Assert.Equal(1, await Store.CountAsync(StoredKind.Blobs, Token));
    }

    [Fact]
    public async Task A_stream_is_read_from_where_it_stands()
    {
        using var content = new MemoryStream([1, 2, 3, 4]) { Position = 2 };

        var (hash, length) = await Store.Blobs.PutAsync("default", content, Token);

        Assert.Equal(2, length);
        Assert.Equal([3, 4], await ReadAsync(Store, hash));
    }

    [Fact]
    public async Task Two_may_read_a_blob_at_once_and_none_can_change_it()
    {
        var (hash, _) = await Store.Blobs.PutAsync("default", new MemoryStream([1, 2, 3]), Token);
        await using var first = await Store.Blobs.OpenAsync("default", hash, Token);
        await using var second = await Store.Blobs.OpenAsync("default", hash, Token);

        Assert.Equal(1, first!.ReadByte());
        Assert.Equal(1, second!.ReadByte());
        Assert.False(first.CanWrite);
        Assert.Equal(2, first.ReadByte());
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("' or 1=1 --")]
    [InlineData("a\0b")]
    public async Task What_was_never_stored_is_nothing(string hash)
    {
        await Store.Blobs.PutAsync("default", new MemoryStream([1]), Token);

        Assert.Null(await Store.Blobs.OpenAsync("default", hash, Token));
    }

    private static async Task<byte[]> ReadAsync(StoreFixture store, string hash)
    {
        await using var stream = (await store.Blobs.OpenAsync("default", hash, Token))!;
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy, Token);
        return copy.ToArray();
    }

    /// <summary>A stream as the network gives it: forwards only, in pieces of any length.</summary>
    private sealed class Trickle(byte[] bytes) : Stream
    {
        private int _position;

        public Action? Halfway { get; init; }

        public bool IsDisposed { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var half = bytes.Length / 2;
            var count = Math.Min(Math.Min(buffer.Length, 33_333), bytes.Length - _position);
            if (_position < half && _position + count >= half)
            {
                Halfway?.Invoke();
            }

            bytes.AsSpan(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new(Read(buffer.Span));
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
