using System.Runtime.Versioning;
using Slipway.Rag.Sources;
using Slipway.Rag.Testing;

namespace Slipway.Rag.Core.Tests.Sources;

[Trait("Tier", "fast")]
public sealed class LocalFolderConformanceTests() : SourceSuite(static (time, _) => new(new FolderPlace(time)))
{
    private sealed class FolderPlace(TimeProvider time) : SourceFixture
    {
        private readonly TemporaryFolder _folder = new();
        private readonly List<LocalFolderSource> _opened = [];
        private readonly List<string> _locked = [];

        public override IDocumentSource Source => field ??= Open();

        public override bool NoticesChanges => true;

        public override bool Streams => true;

        public override ValueTask<IDocumentSource> ReopenAsync(CancellationToken cancellationToken) => new(Open());

        public override async ValueTask WriteAsync(
            string name,
            ReadOnlyMemory<byte> content,
            CancellationToken cancellationToken
        )
        {
            Directory.CreateDirectory(Path.GetDirectoryName(FullPath(name))!);
            await File.WriteAllBytesAsync(FullPath(name), content, cancellationToken);
            File.SetLastWriteTimeUtc(FullPath(name), time.GetUtcNow().UtcDateTime);
        }

        public override ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
        {
            File.Delete(FullPath(name));
            return ValueTask.CompletedTask;
        }

        public override ValueTask<bool> RenameAsync(string name, string newName, CancellationToken cancellationToken)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(FullPath(newName))!);
            File.Move(FullPath(name), FullPath(newName));
            return new(true);
        }

        public override ValueTask<bool> LockAsync(string folder, CancellationToken cancellationToken)
        {
            if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
            {
                return new(false); // root reads everything
            }

            _locked.Add(FullPath(folder));
            File.SetUnixFileMode(FullPath(folder), UnixFileMode.None);
            return new(true);
        }

        public override ValueTask DisposeAsync()
        {
            _opened.ForEach(source => source.Dispose());
            if (!OperatingSystem.IsWindows())
            {
                foreach (var folder in _locked)
                {
                    Unlock(folder);
                }
            }

            _folder.Dispose();
            return ValueTask.CompletedTask;
        }

        [UnsupportedOSPlatform("windows")]
        private static void Unlock(string folder) =>
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        private string FullPath(string name) => Path.Combine(_folder.Path, name);

        private LocalFolderSource Open()
        {
            _opened.Add(new LocalFolderSource(_folder.Path));
            return _opened[^1];
        }
    }
}
