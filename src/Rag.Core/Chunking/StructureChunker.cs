using Slipway.Rag.Reading;

namespace Slipway.Rag.Chunking;

/// <summary>Cuts along the document's structure: the default.</summary>
/// <remarks>
/// <para>
/// A chunk lies within one section and carries its heading path; the heading's line is in the section's first chunk. Only neighbouring
/// sections under <see cref="StructureChunkerOptions.MinTokens"/> share a chunk, with the path that they have in common. Code and tables
/// stay whole up to <see cref="StructureChunkerOptions.MaxTokens"/> and are cut between lines, paragraphs between sentences; a
/// grapheme is never cut. Overlap is 0: the ranges tile the text.
/// </para>
/// <para>
/// Cuts are stable: an edit changes the chunk it is in and seldom a neighbour, wherever in the document it is.
/// </para>
/// </remarks>
public sealed class StructureChunker : IChunker
{
    private readonly StructureChunkerOptions options;
    private readonly ITokenCounter tokens;

    /// <summary>Creates a chunker.</summary>
    /// <param name="options">Sizes; the defaults if null.</param>
    /// <param name="tokens">Unit of the sizes; <see cref="TokenEstimator"/> if null.</param>
    /// <exception cref="SlipwayException">The sizes do not fit together.</exception>
    public StructureChunker(StructureChunkerOptions? options = null, ITokenCounter? tokens = null)
    {
        this.options = options ?? new StructureChunkerOptions();
        this.tokens = tokens ?? TokenEstimator.Instance;
        this.options.Validate();
        Fingerprint = FormattableString.Invariant(
            $"structure/1;{this.options.TargetTokens};{this.options.MaxTokens};{this.options.MinTokens};{this.tokens.Fingerprint}"
        );
    }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Chunk> Chunk(StructuredDocument document)
    {
        if (document.Text.Length == 0)
        {
            return [];
        }

        var chunks = new List<Chunk>();
        var finder = new CutFinder(document, options, tokens);
        var selection = new CutSelection(options);
        ReadOnlySpan<Section> sections = Section.Of(document);
        while (!sections.IsEmpty)
        {
            var run = sections[..CountSmallSiblings(sections, document.Text)];
            var cuts = run.Length > 1 ? finder.FindBetween(run) : finder.Find(run[0]);
            foreach (var (start, end) in selection.Select(cuts))
            {
                chunks.Add(
                    new Chunk(start, end)
                    {
                        Headings = CommonHeadings(run, start, end),
                        RepeatedHeader = finder.TableHeaderAt(start),
                    }
                );
            }

            sections = sections[run.Length..];
        }

        return chunks;
    }

    /// <summary>How many of the next sections belong together because each is small: siblings, or a parent's short text and its children.</summary>
    private int CountSmallSiblings(ReadOnlySpan<Section> sections, string text)
    {
        var count = 0;
        while (count < sections.Length && IsSmall(sections[count], text))
        {
            var parent = sections[count].Parent;
            if (count > 0 && parent != sections[count - 1].Parent && (count > 1 || parent != sections[0]))
            {
                break;
            }

            count++;
        }

        return Math.Max(1, count);
    }

    private bool IsSmall(Section section, string text) =>
        tokens.Count(text.AsSpan(section.Start, section.End - section.Start)) < options.MinTokens;

    private static IReadOnlyList<string> CommonHeadings(ReadOnlySpan<Section> run, int start, int end)
    {
        Section? first = null;
        foreach (var section in run)
        {
            if (section.End <= start || section.Start >= end)
            {
                continue;
            }

            if (first is not null)
            {
                return section.Parent == first ? first.Headings : section.Parent!.Headings;
            }

            first = section;
        }

        return first!.Headings;
    }
}
