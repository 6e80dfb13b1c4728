import { answerText, describeActivity, sortedCitations } from "./answer.js";
import { element } from "./dom.js";
import { renderMarkdown } from "./render-markdown.js";

const unverified = "This quote was not found word for word in the document.";

/** An answer on the page: tool activity, text with citation chips, sources, actions. */
export class AnswerView {
  /** `open(citation, opener)` shows a citation's place; `retry()` asks again. */
  constructor({ open, retry }) {
    this.open = open;
    this.activities = element("ul", { className: "activities" });
    this.text = element("div", { className: "text" });
    this.waiting = element("p", { className: "waiting" }, element("span", { className: "spinner" }), "Thinking…");
    this.sources = element("ol", { className: "sources" });
    this.error = element("p", { className: "error" });
    this.copy = element("button", { type: "button", className: "quiet" }, "Copy answer");
    this.retry = element("button", { type: "button", className: "quiet retry", on: { click: retry } }, "Try again");
    this.actions = element("div", { className: "actions" }, this.copy, this.retry);
    this.root = element(
      "article",
      { className: "answer", aria: { label: "Answer" } },
      this.activities,
      this.text,
      this.waiting,
      this.error,
      this.sources,
      this.actions,
    );
  }

  /** Shows the answer as it stands; `running` while more may come. */
  update(answer, running) {
    const text = answerText(answer);
    const citations = sortedCitations(answer);
    this.#showActivities(answer.activities, running);
    const known = citations.map((citation) => citation.number).join();
    renderMarkdown(this.text, text, (number) => this.#chip(answer.citations.get(number)), known);
    this.#showSources(citations);
    this.waiting.hidden = !running || text !== "" || answer.activities.some((activity) => !activity.done);
    this.error.textContent = answer.error ?? (answer.stopped && !running ? "Stopped." : "");
    this.error.hidden = this.error.textContent === "";
    this.error.classList.toggle("stopped", !answer.error);
    this.root.setAttribute("aria-busy", String(running));
    this.actions.hidden = running;
    this.copy.hidden = text === "";
    this.copy.onclick = () => this.#copy(text, citations);
    this.retry.hidden = !answer.error && !answer.stopped;
  }

  #showActivities(activities, running) {
    const lines = activities.map((activity) => {
      const busy = running && !activity.done && !activity.error;
      const words = describeActivity(activity) + (activity.error ? `: ${activity.error}` : "");
      return element("li", { className: busy ? "busy" : "" }, element("span", { className: "spinner" }), words);
    });
    this.activities.replaceChildren(...lines);
  }

  #chip(citation) {
    if (!citation) {
      return null;
    }

    const place = `Source ${citation.number}: ${citation.title}`;
    return element(
      "button",
      {
        type: "button",
        className: citation.verified ? "chip" : "chip unverified",
        title: citation.verified ? (citation.quote ?? citation.title) : unverified,
        aria: { label: citation.verified ? place : `${place}, not verified` },
        on: { click: (event) => this.open(citation, event.currentTarget) },
      },
      String(citation.number),
    );
  }

  #showSources(citations) {
    const shown = citations.map((citation) => `${citation.number} ${citation.verified}`).join();
    if (this.sources.dataset.shown === shown) {
      return;
    }

    this.sources.dataset.shown = shown;
    this.sources.replaceChildren(...citations.map((citation) => element("li", {}, this.#source(citation))));
  }

  #source(citation) {
    const place = [citation.name, ...(citation.headings ?? [])].join(" › ");
    return element(
      "button",
      {
        type: "button",
        className: citation.verified ? "source" : "source unverified",
        on: { click: (event) => this.open(citation, event.currentTarget) },
      },
      element("span", { className: "number" }, String(citation.number)),
      element("span", { className: "title" }, citation.title),
      element("span", { className: "place" }, place),
      citation.verified
        ? citation.quote && element("span", { className: "quote" }, citation.quote)
        : element("span", { className: "warning" }, unverified),
    );
  }

  async #copy(text, citations) {
    const sources = citations.map((citation) => `[${citation.number}] ${citation.title} (${citation.name})`);
    try {
      await navigator.clipboard.writeText([text, sources.join("\n")].filter(Boolean).join("\n\n"));
      this.copy.textContent = "Copied";
    } catch {
      this.copy.textContent = "Copying is not allowed here";
    }

    setTimeout(() => (this.copy.textContent = "Copy answer"), 2000);
  }
}
