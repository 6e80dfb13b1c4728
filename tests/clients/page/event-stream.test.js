import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser, readEvents } from "../../../samples/Quickstart/wwwroot/js/event-stream.js";

const events = [
  { type: "start", messageId: "m1" },
  { type: "text-start", id: "t1" },
  { type: "text-delta", id: "t1", delta: "Größe: 20 °C, 日本語, 🛶 and a line\nbreak" },
  { type: "finish" },
];
const lines = events.map((event) => `data: ${JSON.stringify(event)}`);

/** A body whose bytes come in the given pieces. */
const bodyOf = (pieces) =>
  new ReadableStream({
    start(controller) {
      pieces.forEach((piece) => controller.enqueue(piece));
      controller.close();
    },
  });

async function collect(body) {
  const found = [];
  for await (const event of readEvents(body)) {
    found.push(event);
  }

  return found;
}

for (const [name, newline] of [["line feed", "\n"], ["carriage return and line feed", "\r\n"], ["carriage return", "\r"]]) {
  test(`events are whole wherever the packets are cut (${name})`, async () => {
    const bytes = new TextEncoder().encode([...lines, "data: [DONE]"].map((line) => line + newline + newline).join("") + " ");
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.deepEqual(await collect(bodyOf([bytes.slice(0, cut), bytes.slice(cut)])), events, `cut at ${cut}`);
    }

    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(await collect(bodyOf(single)), events, "one byte at a time");
  });
}

test("comments, other fields and empty events are passed over; data lines of one event are joined", () => {
  const parser = new EventParser();
  assert.deepEqual(parser.push(": keep-alive\n\nevent: x\nid: 7\ndata: a\ndata:b\ndata\n\n\n\ndata: c"), ["a\nb\n"]);
  assert.deepEqual(parser.push("\n\n"), ["c"]);
});

test("a stream that ends without [DONE] is an error, after everything that came", async () => {
  const found = [];
  await assert.rejects(async () => {
    for await (const event of readEvents(bodyOf([new TextEncoder().encode(`${lines[0]}\n\n${lines[1]}`)]))) {
      found.push(event);
    }
  }, /connection ended/);
  assert.deepEqual(found, [events[0]]);
});

test("whoever stops reading cancels the transfer", async () => {
  let cancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(`${lines[0]}\n\n`)),
    cancel: () => void (cancelled = true),
  });
  for await (const _ of readEvents(body)) {
    break;
  }

  assert.ok(cancelled);
});

test("a whole answer is read to the end of the transfer: the server must not take the reader for gone", async () => {
  let cancelled = false;
  const pieces = [`${lines[0]}\n\ndata: [DONE]\n\n`, ": the end\n\n"];
  const body = new ReadableStream(
    {
      pull: (controller) =>
        pieces.length > 0 ? controller.enqueue(new TextEncoder().encode(pieces.shift())) : controller.close(),
      cancel: () => void (cancelled = true),
    },
    { highWaterMark: 0 },
  );
  assert.deepEqual(await collect(body), [events[0]]);
  assert.ok(!cancelled);
  assert.equal(pieces.length, 0);
});
