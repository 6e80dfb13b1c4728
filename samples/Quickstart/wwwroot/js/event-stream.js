// Server-sent events, as far as the UI message stream uses them: `data:` lines that hold JSON, the last one `[DONE]`.

/** Splits text that arrives in any pieces into the data of its events. */
export class EventParser {
  #rest = "";
  #data = [];

  /** Takes the next piece of text and returns the data of every event that it completes. */
  push(text) {
    // A carriage return at the very end waits: its line feed may come with the next piece.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    const events = [];
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0) {
          events.push(this.#data.join("\n"));
          this.#data = [];
        }
      } else if (line === "data" || line.startsWith("data:")) {
        this.#data.push(line.slice(5).replace(/^ /, ""));
      }
    }

    return events;
  }
}

/**
 * Reads a response body as JSON events.
 * Throws when the stream ends without `[DONE]`: the connection broke, and what came is not the whole answer.
 */
export async function* readEvents(body) {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let complete = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done && complete) {
        return;
      }

      if (done) {
        throw new Error("The connection ended before the answer was complete.");
      }

      for (const data of parser.push(decoder.decode(value, { stream: true }))) {
        // Read on to the end: to leave now would look like a break to the server.
        complete ||= data === "[DONE]";
        if (!complete) {
          yield JSON.parse(data);
        }
      }
    }
  } finally {
    // Whoever stops reading early also stops the transfer. A stream that failed is closed already.
    await reader.cancel().catch(() => {});
  }
}
