using System.IO.Compression;
using Slipway.Rag.Sources;
using Slipway.Rag.Testing;

namespace Slipway.Rag.Core.Tests.Sources;

[Trait("Tier", "fast")]
public sealed class ZipSourceTests() : SourceSuite(static (time, _) => new(new ZipPlace(time)))
{
    /// <summary>Each is an archive that is written anew.</summary>
    protected override int Many => 100;

    private sealed class ZipPlace : SourceFixture
    {
        private readonly TemporaryFolder _folder = new();
        private readonly TimeProvider _time;
        private readonly string _path;

        public ZipPlace(TimeProvider time)
        {
            _time = time;
            _path = Path.Combine(_folder.Path, "documents.zip");
            ZipFile.Open(_path, ZipArchiveMode.Create).Dispose();
            Source = new ZipSource(_path);
        }

        public override IDocumentSource Source { get; }

        public override ValueTask<IDocumentSource> ReopenAsync(CancellationToken cancellationToken) =>
            new(new ZipSource(_path));

        public override async ValueTask WriteAsync(
            string name,
            ReadOnlyMemory<byte> content,
            CancellationToken cancellationToken
        )
        {
            await using var archive = await ZipFile.OpenAsync(_path, ZipArchiveMode.Update, cancellationToken);
            archive.GetEntry(name)?.Delete();
            var entry = archive.CreateEntry(name);
            entry.LastWriteTime = TimeZoneInfo.ConvertTime(_time.GetUtcNow(), TimeZoneInfo.Local); // as ZIP programs do
            await using var stream = await entry.OpenAsync(cancellationToken);
            await stream.WriteAsync(content, cancellationToken);
        }

        public override async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
        {
            await using var archive = await ZipFile.OpenAsync(_path, ZipArchiveMode.Update, cancellationToken);
            archive.GetEntry(name)!.Delete();
        }

        public override ValueTask DisposeAsync()
        {
            _folder.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
