using System.Text;
using CsCheck;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Reading;

[Trait("Tier", "fast")]
[Trait("Parity", "S90")]
public sealed class TextDecodingTests
{
    public static TheoryData<string> Encodings => ["utf-8", "utf-16", "utf-16BE", "utf-32", "utf-32BE"];

    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task A_byte_order_mark_names_the_encoding_and_is_removed(string name)
    {
        var encoding = Encoding.GetEncoding(name);
        const string text = "Grüße, 日本, 🚀.\r\nSecond line\n";
        Assert.Equal(
            text,
            (await ReadText.AsAsync("a.txt", [.. encoding.GetPreamble(), .. encoding.GetBytes(text)])).Text
        );
    }

    [Fact]
    public async Task Only_a_byte_order_mark_is_an_empty_document()
    {
        Assert.Equal("", (await ReadText.AsAsync("a.txt", [0xEF, 0xBB, 0xBF])).Text);
        Assert.Equal("", (await ReadText.AsAsync("a.md", [0xFF, 0xFE])).Text);
        Assert.Equal("", (await ReadText.AsAsync("a.csv", [])).Text);
        Assert.Equal("", (await ReadText.AsAsync("a.json", [])).Text);
    }

    [Fact]
    public async Task Invalid_bytes_and_NUL_become_replacement_characters() =>
        Assert.Equal(
            "caf\uFFFD \uFFFD and a longer rest of text",
            (await ReadText.AsAsync("a.txt", [.. "caf"u8, 0xE9, .. " \0 and a longer rest of text"u8])).Text
        );

    [Fact]
    public void Text_survives_however_it_is_split_into_reads()
    {
        var texts = Generators
            .AnyOf('a', 'é', '日', '\r', '\n', ' ')
            .Array[0, 300]
            .Select(c => string.Concat(c) + "🚀x");
        Gen.Select(texts, Gen.Int[1, 7])
            .Sample(
                (text, step) =>
                {
                    var context = new ReadingContext { Name = "a.txt", MediaType = "text/plain" };
                    using var stream = new TricklingStream(Encoding.UTF8.GetBytes(text), step);
                    return TextDecoding.ReadTextAsync(stream, context, default).AsTask().Result == text;
                },
                iter: 200
            );
    }

    [Fact]
    public async Task A_large_text_is_decoded_across_buffers()
    {
        var text = string.Concat(Enumerable.Repeat("Zeile mit Ümlaut und 🚀.\r\n", 40_000));
        Assert.Equal(text, (await ReadText.AsAsync("a.txt", text)).Text);
    }

    [Fact]
    public async Task A_text_over_the_limit_is_refused_before_it_is_read_whole()
    {
        using var endless = new TricklingStream(new byte[1], step: 1 << 16) { IsEndless = true };
        var context = new ReadingContext
        {
            Name = "huge.txt",
            MediaType = "text/plain",
            MaxTextLength = 1_000_000,
        };
        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
            await ReaderSet.Default.ReadAsync(endless, context, TestContext.Current.CancellationToken)
        );
        Assert.Equal(ErrorClass.Permanent, error.Class);
        Assert.Contains("'huge.txt' has more than 1,000,000 characters", error.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(ReadingOptions.MaxTextLength), error.Fix, StringComparison.Ordinal);
        Assert.InRange(endless.BytesRead, 1_000_000, 1_300_000);
    }

    [Theory]
    [InlineData("small.txt")]
    [InlineData("small.csv")]
    public async Task The_limit_holds_for_small_files_and_renderings(string name) =>
        await Assert.ThrowsAsync<SlipwayException>(() =>
            ReadText.AsAsync(name, "Column name\nvalue\nvalue\n"u8.ToArray(), maxTextLength: 20)
        );

    private sealed class TricklingStream(byte[] bytes, int step) : MemoryStream(bytes)
    {
        public bool IsEndless { get; init; }

        public long BytesRead { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var wanted = buffer.Span[..Math.Min(step, buffer.Length)];
            if (IsEndless)
            {
                wanted.Fill((byte)'x');
            }

            var read = IsEndless ? wanted.Length : Read(wanted);
            BytesRead += read;
            return ValueTask.FromResult(read);
        }
    }
}
