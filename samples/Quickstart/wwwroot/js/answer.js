// An answer as it grows: the UI message stream's events folded into what the page shows.

export function createAnswer() {
  return { blocks: [], activities: [], citations: new Map(), started: false, finished: false, stopped: false, error: null };
}

/** Folds one event into the answer. Types that the page does not show are passed over. */
export function applyEvent(answer, event) {
  switch (event.type) {
    case "start":
      answer.started = true;
      break;
    case "text-start":
      answer.blocks.push({ id: event.id, text: "" });
      break;
    case "text-delta":
      blockOf(answer, event.id).text += event.delta;
      break;
    case "tool-input-start":
    case "tool-input-available":
    case "tool-input-error":
      Object.assign(activityOf(answer, event.toolCallId), {
        name: event.toolName,
        input: event.input,
        error: event.errorText ?? null,
      });
      break;
    case "tool-output-available":
      Object.assign(activityOf(answer, event.toolCallId), { done: true, output: event.output });
      break;
    case "tool-output-error":
      Object.assign(activityOf(answer, event.toolCallId), { done: true, error: event.errorText });
      break;
    case "source-document":
      addCitation(answer, event);
      break;
    case "error":
      answer.error = event.errorText;
      break;
    case "abort":
      answer.stopped = true;
      break;
    case "finish":
      answer.finished = true;
      break;
  }
}

/** The whole text, Markdown. */
export function answerText(answer) {
  return answer.blocks
    .map((block) => block.text)
    .filter((text) => text.trim() !== "")
    .join("\n\n");
}

/** Citations by number. */
export function sortedCitations(answer) {
  return [...answer.citations.values()].sort((left, right) => left.number - right.number);
}

/** What a tool is doing, in words. */
export function describeActivity(activity) {
  const input = activity.input ?? {};
  const verb = (doing, done) => (activity.done ? done : doing);
  switch (activity.name) {
    case "search_knowledge":
      return `${verb("Searching", "Searched")}: ${input.query ?? "…"}${countOf(activity)}`;
    case "list_documents":
      return verb("Listing the documents", "Listed the documents");
    case "get_document":
      return verb("Reading a document", "Read a document");
    default:
      return `${verb("Running", "Ran")} ${activity.name}`;
  }
}

function countOf(activity) {
  const passages = activity.output?.passages;
  if (!Array.isArray(passages)) {
    return "";
  }

  return passages.length === 1 ? " (1 passage)" : ` (${passages.length} passages)`;
}

function blockOf(answer, id) {
  let block = answer.blocks.findLast((candidate) => candidate.id === id);
  if (!block) {
    block = { id, text: "" };
    answer.blocks.push(block);
  }

  return block;
}

function activityOf(answer, id) {
  let activity = answer.activities.find((candidate) => candidate.id === id);
  if (!activity) {
    activity = { id, name: "a tool", input: undefined, done: false, output: undefined, error: null };
    answer.activities.push(activity);
  }

  return activity;
}

function addCitation(answer, event) {
  const citation = event.providerMetadata?.slipway;
  if (Number.isInteger(citation?.number)) {
    answer.citations.set(citation.number, { ...citation, title: event.title, name: citation.name ?? event.filename });
  }
}
