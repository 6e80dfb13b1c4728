import { openDocument } from "./document-view.js";
import { element, fetchJson } from "./dom.js";

const interval = 2000;
const states = {
  published: "ready",
  pending: "waiting",
  failed: "failed, will be tried again",
  quarantined: "failed",
  skipped: "not readable here",
};

/** All documents with their state. */
export async function fetchDocuments(signal) {
  const documents = [];
  let after = null;
  do {
    const page = await fetchJson("/api/documents?limit=500" + (after ? `&after=${encodeURIComponent(after)}` : ""), signal);
    documents.push(...page.documents);
    after = page.next;
  } while (after);
  return documents;
}

/** Shows the list in the panel and keeps it fresh until it is closed. `changed(documents)` is told every time. */
export function openDocumentsList(panel, { opener, changed }) {
  const request = new AbortController();
  const summary = element("p", { className: "status", role: "status" }, "Loading…");
  const filter = element("input", { type: "search", placeholder: "Filter by name or title", aria: { label: "Filter documents" } });
  const list = element("ul", { className: "documents" });
  let documents = [];
  let shown = "";

  const show = () => {
    const wanted = filter.value.trim().toLowerCase();
    const rows = documents.filter((document) => `${document.name}\n${document.title}`.toLowerCase().includes(wanted));
    const text = JSON.stringify(rows);
    if (text !== shown) {
      shown = text;
      const back = () => openDocumentsList(panel, { changed });
      list.replaceChildren(...rows.map((document) => row(document, () => open(document, back))));
    }
  };
  const open = (document, back) =>
    openDocument(panel, { documentId: document.id, title: document.title, name: document.name }, { back });
  const refresh = async () => {
    try {
      documents = await fetchDocuments(request.signal);
      changed(documents);
      setText(summary, summaryOf(documents));
      show();
    } catch (error) {
      if (!request.signal.aborted) {
        setText(summary, `The list cannot be read: ${error.message}`);
      }
    }

    if (!request.signal.aborted) {
      timer = setTimeout(refresh, interval);
    }
  };
  let timer = 0;

  filter.addEventListener("input", show);
  panel.show(
    {
      title: "Documents",
      opener,
      closed: () => {
        clearTimeout(timer);
        request.abort();
      },
    },
    summary,
    filter,
    list,
  );
  refresh();
}

function row(document, open) {
  // A document whose update failed still shows the version that answers.
  const readable = document.state === "published" || document.chunks > 0;
  const passages = document.chunks === 1 ? "1 passage" : `${document.chunks} passages`;
  const facts = [document.chunks > 0 ? passages : "", sizeOf(document.size)].filter(Boolean);
  return element(
    "li",
    { data: { state: document.state } },
    element(
      "button",
      { type: "button", disabled: !readable, on: { click: open } },
      element("span", { className: "title" }, document.title || document.name),
      element("span", { className: "state" }, states[document.state] ?? document.state),
      element("span", { className: "place" }, document.name),
      element("span", { className: "facts" }, facts.join(" · ")),
    ),
    document.error && element("p", { className: "warning" }, document.error),
  );
}

function summaryOf(documents) {
  if (documents.length === 0) {
    return "No documents yet. Put files into the knowledge folder; they appear here within seconds.";
  }

  const counts = new Map();
  for (const { state } of documents) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }

  return [...counts].map(([state, count]) => `${count} ${states[state] ?? state}`).join(", ");
}

function sizeOf(bytes) {
  if (!Number.isFinite(bytes)) {
    return "";
  }

  return bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// A status that is written again is read aloud again.
function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}
