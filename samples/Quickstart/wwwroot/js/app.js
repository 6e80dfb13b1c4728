import { Conversation } from "./conversation.js";
import { openDocument } from "./document-view.js";
import { fetchDocuments, openDocumentsList } from "./documents-list.js";
import { followEnd } from "./follow.js";
import { Panel } from "./panel.js";

const byId = (id) => document.getElementById(id);
const [form, input, send, stop, log, empty] = ["composer", "question", "send", "stop", "log", "empty"].map(byId);
const panel = new Panel(byId("panel"));
const follow = followEnd(byId("scroller"), byId("to-end"));

function startConversation() {
  log.replaceChildren();
  empty.hidden = false;
  return new Conversation({
    log,
    follow,
    announce: (text) => (byId("announcer").textContent = text),
    open: (citation, opener) => openDocument(panel, citation, { citation, opener }),
    changed: (running) => {
      send.hidden = running;
      stop.hidden = !running;
    },
  });
}

let conversation = startConversation();

function ask(question) {
  const text = question.trim();
  if (text !== "" && stop.hidden) {
    empty.hidden = true;
    input.value = "";
    resize();
    conversation.ask(text);
  }
}

function resize() {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, 200)}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(input.value);
});
input.addEventListener("input", resize);
input.addEventListener("keydown", (event) => {
  // While an input method composes (Japanese, Chinese …), Enter belongs to it.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    ask(input.value);
  }
});
stop.addEventListener("click", () => {
  conversation.stop();
  input.focus();
});
byId("new-chat").addEventListener("click", () => {
  conversation.stop();
  conversation = startConversation();
  panel.close();
  input.focus();
});
byId("documents").addEventListener("click", (event) =>
  openDocumentsList(panel, { opener: event.currentTarget, changed: showDocuments }),
);
for (const sample of document.querySelectorAll("[data-document]")) {
  sample.addEventListener("click", () => ask(sample.textContent));
}

// Sample questions show up only when the document that answers them is there.
function showDocuments(documents) {
  const names = new Set(documents.filter((found) => found.state === "published").map((found) => found.name));
  byId("document-count").textContent = documents.length;
  for (const sample of document.querySelectorAll("[data-document]")) {
    sample.hidden = !names.has(sample.dataset.document);
  }
}

fetchDocuments().then(showDocuments, () => (byId("document-count").textContent = "?"));
