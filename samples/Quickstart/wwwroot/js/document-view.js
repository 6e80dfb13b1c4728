import { element, fetchJson } from "./dom.js";

/** Shows a document's text in the panel; with a citation, its range is marked and in view. */
export async function openDocument(panel, { documentId, title, name }, { citation, opener, back } = {}) {
  const request = new AbortController();
  const status = element("p", { className: "status", role: "status" }, "Loading…");
  const content = element("div", { className: "document" });
  const backButton = back && element("button", { type: "button", className: "quiet", on: { click: back } }, "← All documents");
  panel.show(
    { title: title || name, subtitle: name, opener, closed: () => request.abort() },
    ...[backButton, status, content].filter(Boolean),
  );

  try {
    const found = await fetchJson(`/api/documents/${encodeURIComponent(documentId)}/content`, request.signal);
    const place = citation ? placeOf(found, citation) : { note: "" };
    status.textContent = place.note;
    status.hidden = place.note === "";
    content.append(...marked(found.text, place));
    content.querySelector("mark")?.scrollIntoView({ block: "center" });
  } catch (error) {
    if (!request.signal.aborted) {
      status.textContent = `The document cannot be shown: ${error.message}`;
      status.classList.add("failed");
    }
  }
}

/** Where to mark: the stored range, or where the quote stands now if the document has changed since. */
export function placeOf(found, citation) {
  if (found.version === citation.version) {
    const note = citation.verified ? "" : "Not verified: this is the passage that the answer names, but the quote is not in it word for word.";
    return { start: citation.start, end: citation.end, note };
  }

  const start = citation.quote ? found.text.indexOf(citation.quote) : -1;
  return start >= 0
    ? { start, end: start + citation.quote.length, note: "The document has changed since the answer; the quote is still in it." }
    : { note: "The document has changed since the answer, and the quoted text is no longer in it." };
}

function marked(text, { start, end }) {
  if (!(start >= 0 && end > start && end <= text.length)) {
    return [text];
  }

  return [text.slice(0, start), element("mark", {}, text.slice(start, end)), text.slice(end)];
}
