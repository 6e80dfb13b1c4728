import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answerText,
  applyEvent,
  createAnswer,
  describeActivity,
  sortedCitations,
} from "../../../samples/Quickstart/wwwroot/js/answer.js";

const fold = (...events) => {
  const answer = createAnswer();
  events.forEach((event) => applyEvent(answer, event));
  return answer;
};

test("text of several blocks is joined, empty blocks leave no gap", () => {
  const answer = fold(
    { type: "start" },
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "I will " },
    { type: "text-delta", id: "0", delta: "look." },
    { type: "text-end", id: "0" },
    { type: "text-start", id: "1" },
    { type: "text-end", id: "1" },
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "27 days [1]." },
    { type: "finish" },
  );
  assert.equal(answerText(answer), "I will look.\n\n27 days [1].");
  assert.ok(answer.started && answer.finished);
});

test("citations are sorted by number and carry the place; a source without one is passed over", () => {
  const source = (number, rest = {}) => ({
    type: "source-document",
    sourceId: `s${number}`,
    mediaType: "text/markdown",
    title: "Holidays",
    filename: "handbook/02-holidays.md",
    providerMetadata: { slipway: { number, documentId: "d", version: 1, start: 4, end: 9, verified: true, ...rest } },
  });
  const answer = fold(source(2), source(1, { verified: false }), { type: "source-document", sourceId: "x", title: "y" });
  const citations = sortedCitations(answer);
  assert.deepEqual(citations.map(({ number, verified }) => [number, verified]), [[1, false], [2, true]]);
  assert.equal(citations[0].title, "Holidays");
  assert.equal(citations[0].name, "handbook/02-holidays.md");
});

test("tool activity is told in words, before and after", () => {
  const answer = fold(
    { type: "tool-input-start", toolCallId: "c", toolName: "search_knowledge" },
    { type: "tool-input-available", toolCallId: "c", toolName: "search_knowledge", input: { query: "annual leave" } },
  );
  assert.equal(describeActivity(answer.activities[0]), "Searching: annual leave");
  applyEvent(answer, { type: "tool-output-available", toolCallId: "c", output: { passages: [{}] } });
  assert.equal(describeActivity(answer.activities[0]), "Searched: annual leave (1 passage)");
  applyEvent(answer, { type: "tool-output-error", toolCallId: "c", errorText: "locked" });
  assert.equal(answer.activities[0].error, "locked");
  assert.equal(describeActivity({ name: "weather", done: false }), "Running weather");
});

test("errors and aborts are kept; unknown types are passed over", () => {
  const answer = fold({ type: "data-usage", data: {} }, { type: "error", errorText: "The model answered 429." }, { type: "abort" });
  assert.equal(answer.error, "The model answered 429.");
  assert.ok(answer.stopped);
});
