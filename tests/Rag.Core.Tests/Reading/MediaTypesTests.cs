using System.Text;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Reading;

[Trait("Tier", "fast")]
[Trait("Parity", "S74")]
public sealed class MediaTypesTests
{
    [Theory]
    [InlineData("notes.txt", "text/plain")]
    [InlineData("README.MD", "text/markdown")]
    [InlineData("a/b/prices.csv", "text/csv")]
    [InlineData("prices.tsv", "text/tab-separated-values")]
    [InlineData("data.json", "application/json")]
    [InlineData("events.jsonl", "application/jsonl")]
    [InlineData("server.log", "text/x-log")]
    [InlineData("Program.cs", "text/x-csharp")]
    [InlineData("Dockerfile", "text/x-dockerfile")]
    [InlineData("noextension", "text/plain")]
    [InlineData("odd.extension", "text/plain")]
    [InlineData("page.html", "text/html")]
    [InlineData("report.pdf", "application/pdf")]
    [InlineData("letter.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")]
    [InlineData("logo.svg", "image/svg+xml")]
    public void The_name_proposes(string name, string expected) =>
        Assert.Equal(expected, MediaTypes.Detect(name, "Some text, nothing else.\n"u8));

    [Theory]
    [InlineData("notes.txt", new byte[] { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0 }, "image/png")]
    [InlineData("notes.md", new byte[] { 0x25, 0x50, 0x44, 0x46, 0x2D, 0x31 }, "application/pdf")]
    [InlineData("data.csv", new byte[] { 0x50, 0x4B, 3, 4, 20, 0 }, "application/zip")]
    [InlineData(
        "table.xlsx",
        new byte[] { 0x50, 0x4B, 3, 4, 20, 0 },
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )]
    [InlineData("old.doc", new byte[] { 0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1 }, "application/msword")]
    [InlineData(".DS_Store", new byte[] { 0, 0, 0, 1, 0x42, 0x75, 0x64, 0x31, 0, 0 }, "application/octet-stream")]
    [InlineData("zeros.txt", new byte[] { 0, 0, 0, 0, 0, 0, 0, 0 }, "application/octet-stream")]
    public void The_content_decides(string name, byte[] head, string expected) =>
        Assert.Equal(expected, MediaTypes.Detect(name, head));

    [Fact]
    public void Random_bytes_never_become_text()
    {
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var bytes = new byte[4096];
            random.NextBytes(bytes);
            Assert.False(ReaderSet.Default.CanRead(MediaTypes.Detect("notes.txt", bytes)), $"sample {i}");
        }
    }

    [Fact]
    public void Text_with_a_flaw_is_still_text()
    {
        Assert.Equal(
            "text/plain",
            MediaTypes.Detect("a.txt", Encoding.Latin1.GetBytes("Grüße aus Köln, ein längerer Satz ohne Zeichensatz."))
        );
        Assert.Equal("text/plain", MediaTypes.Detect("a.txt", "one stray \0 in a longer text"u8));
        Assert.Equal("text/plain", MediaTypes.Detect("a.txt", [0xFF, 0xFE, (byte)'h', 0, (byte)'i', 0]));
        Assert.Equal("text/plain", MediaTypes.Detect("a.txt", []));
        // The head ends inside a character.
        Assert.Equal(
            "text/plain",
            MediaTypes.Detect(
                "a",
                Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("日本", 1000))).AsSpan(0, 4096)
            )
        );
    }

    [Fact]
    public void Html_without_a_name_is_html() =>
        Assert.Equal("text/html", MediaTypes.Detect("page", "\n <!DOCTYPE html><html>"u8));

    [Fact]
    public void What_the_source_knows_for_certain_is_taken()
    {
        Assert.Equal("text/markdown", MediaTypes.Detect("x.txt", "# Hi"u8, "Text/Markdown; charset=utf-8"));
        Assert.Equal("text/plain", MediaTypes.Detect("x.txt", "Hi"u8, "application/octet-stream"));
    }

    [Fact]
    public async Task What_no_reader_reads_says_so()
    {
        var error = await Assert.ThrowsAsync<UnsupportedMediaTypeException>(() =>
            ReadText.AsAsync("scan.pdf", "%PDF-1.7")
        );
        Assert.Equal((ErrorClass.Permanent, "application/pdf"), (error.Class, error.MediaType));
        Assert.Contains("scan.pdf", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Fix);
        await Assert.ThrowsAsync<UnsupportedMediaTypeException>(() => ReadText.AsAsync("page.html", "<html></html>"));
    }

    [Fact]
    public void The_set_has_one_fingerprint() =>
        Assert.Equal("markdown/1+json/1+csv/1+text/1", ReaderSet.Default.Fingerprint);
}
