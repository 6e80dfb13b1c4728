namespace Slipway;

/// <summary>A place in the stored text of one version of a document.</summary>
/// <param name="DocumentId">The document's id.</param>
/// <param name="Version">The version the range belongs to; the first is 1.</param>
/// <param name="Start">First character, in UTF-16 code units from the start of the document's text.</param>
/// <param name="End">One past the last character.</param>
public readonly record struct PassageReference(string DocumentId, int Version, int Start, int End);
