import { answerText, applyEvent, createAnswer, describeActivity, sortedCitations } from "./answer.js";
import { AnswerView } from "./answer-view.js";
import { element, problemOf } from "./dom.js";
import { readEvents } from "./event-stream.js";

/** One conversation: its id, its turns, and the answer that is being written. */
export class Conversation {
  #id = crypto.randomUUID();
  #running = null;
  #stopped = null;

  /** `log` shows the turns, `follow` keeps its end in view, `announce` speaks to screen readers, `changed(running)` follows the state. */
  constructor({ log, follow, announce, open, changed }) {
    Object.assign(this, { log, follow, announce, open, changed });
  }

  /** Asks a question and shows the answer as it comes. */
  async ask(question) {
    const message = { id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text: question }] };
    this.log.append(element("article", { className: "question", aria: { label: "You" } }, question));
    await this.#answer(message, "submit-message");
  }

  /** Stops the answer that is being written; what has come stays. The server has to be told: it goes on without us. */
  stop() {
    if (this.#running) {
      this.#stopped = fetch(`/api/chat/${this.#id}/stop`, { method: "POST" }).catch(() => null);
      this.#running.abort();
    }
  }

  async #answer(message, trigger) {
    this.stop();
    const running = (this.#running = new AbortController());
    const answer = createAnswer();
    const view = new AnswerView({
      open: this.open,
      retry: () => {
        view.root.remove();
        // Once the server has begun, it has the question: it must not be stored twice.
        this.#answer(message, answer.started ? "regenerate-message" : "submit-message");
      },
    });
    this.log.append(view.root);
    this.changed(true);
    this.follow.toEnd();

    const show = this.#showInFrames(view, answer);
    try {
      await this.#read(answer, { id: this.#id, messages: [message], trigger }, running.signal, show);
    } catch (error) {
      if (running.signal.aborted) {
        answer.stopped = true;
      } else {
        answer.error = error instanceof TypeError ? "The server cannot be reached. Is it still running?" : error.message;
      }
    }

    show.last();
    this.announce(summaryOf(answer));
    if (this.#running === running) {
      this.#running = null;
      this.changed(false);
    }
  }

  async #read(answer, body, signal, show) {
    await this.#stopped;
    const response = await fetch("/api/chat", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(body),
      signal,
    });
    if (!response.ok) {
      throw new Error(await problemOf(response));
    }

    for await (const event of readEvents(response.body)) {
      applyEvent(answer, event);
      if (event.type === "tool-input-available") {
        this.announce(describeActivity(answer.activities.find((activity) => activity.id === event.toolCallId)));
      }

      show();
    }
  }

  // Tokens come faster than the screen is drawn; one update a frame is enough.
  #showInFrames(view, answer) {
    let frame = 0;
    const draw = (running) => {
      frame = 0;
      view.update(answer, running);
      this.follow.keep();
    };
    const show = () => {
      frame ||= requestAnimationFrame(() => draw(true));
    };
    show.last = () => {
      cancelAnimationFrame(frame);
      draw(false);
    };
    draw(true);
    return show;
  }
}

function summaryOf(answer) {
  if (answer.error) {
    return `Error: ${answer.error}`;
  }

  const sources = sortedCitations(answer).length;
  const count = sources === 1 ? "1 source" : `${sources} sources`;
  return answer.stopped ? "Stopped." : `Answer with ${count}: ${answerText(answer)}`;
}
