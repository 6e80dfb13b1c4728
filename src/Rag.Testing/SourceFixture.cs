using Slipway.Rag.Sources;

namespace Slipway.Rag.Testing;

/// <summary>A source under test, over a place of its own whose documents the test controls.</summary>
/// <remarks>
/// A document's name is a path with <c>/</c>, and the source must report it as <see cref="SourceDocument.Name"/>. The fixture that
/// <see cref="OpenSource"/> gave owns the place and removes it when it is disposed, with every source that it handed out.
/// </remarks>
public abstract class SourceFixture : IAsyncDisposable
{
    /// <summary>The source under test, always the same object.</summary>
    public abstract IDocumentSource Source { get; }

    /// <summary>Whether a wait ends when a document comes or changes, and not only at the interval. Default no.</summary>
    public virtual bool NoticesChanges => false;

    /// <summary>
    /// Whether a listing reads as it goes, so that what is deleted after its first document is not listed any more. Default no: a source that
    /// lists one moment's state keeps the contract as well, and a test cannot tell it from one that collects everything first.
    /// </summary>
    public virtual bool Streams => false;

    /// <summary>Another source on the same place and of the same name, as another process has it.</summary>
    public abstract ValueTask<IDocumentSource> ReopenAsync(CancellationToken cancellationToken);

    /// <summary>Adds a document, or gives an existing one new content; it was changed last at this moment of the test's clock.</summary>
    public abstract ValueTask WriteAsync(
        string name,
        ReadOnlyMemory<byte> content,
        CancellationToken cancellationToken
    );

    /// <summary>Removes a document.</summary>
    public abstract ValueTask DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>Gives a document another name.</summary>
    /// <returns>False when the place has no such thing; the test is skipped then.</returns>
    public virtual ValueTask<bool> RenameAsync(string name, string newName, CancellationToken cancellationToken) =>
        new(false);

    /// <summary>Makes a folder unreadable, until the fixture is disposed.</summary>
    /// <returns>False when the place has no such thing, or not here; the test is skipped then.</returns>
    public virtual ValueTask<bool> LockAsync(string folder, CancellationToken cancellationToken) => new(false);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}

/// <summary>Makes an empty place for one test and a source on it.</summary>
/// <param name="timeProvider">The clock of the place. It stands still until the test moves it.</param>
/// <param name="cancellationToken">The test's token.</param>
public delegate ValueTask<SourceFixture> OpenSource(TimeProvider timeProvider, CancellationToken cancellationToken);
