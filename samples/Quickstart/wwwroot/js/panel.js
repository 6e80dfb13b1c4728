// The width from which the panel covers the page; styles.css has the same.
const narrow = matchMedia("(max-width: 56rem)");

/** The side panel: one view at a time, Escape closes it, focus goes back to what opened it. */
export class Panel {
  #opener = null;
  #closed = () => {};

  constructor(root) {
    this.root = root;
    this.title = root.querySelector("#panel-title");
    this.subtitle = root.querySelector("#panel-subtitle");
    this.body = root.querySelector("#panel-body");
    root.querySelector("#panel-close").addEventListener("click", () => this.close());
    narrow.addEventListener("change", () => this.#setShown(!this.root.hidden));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.root.hidden) {
        this.close();
      }
    });
  }

  /** Shows a new view; `closed` is called when it makes way for another or the panel closes. */
  show({ title, subtitle = "", opener, closed = () => {} }, ...content) {
    this.#closed();
    this.#closed = closed;
    // From one view to the next the first opener stays: the second one was inside of the panel.
    this.#opener = opener && !this.root.contains(opener) ? opener : this.#opener;
    this.title.textContent = title;
    this.subtitle.textContent = subtitle;
    this.body.replaceChildren(...content);
    this.body.scrollTop = 0;
    this.#setShown(true);
    this.title.focus({ preventScroll: true });
  }

  close() {
    this.#closed();
    this.#closed = () => {};
    this.#setShown(false);
    this.body.replaceChildren();
    this.#opener?.focus({ preventScroll: true });
    this.#opener = null;
  }

  #setShown(shown) {
    this.root.hidden = !shown;
    // What is covered must not be reached with the Tab key either.
    for (const part of document.querySelectorAll("header, main")) {
      part.inert = shown && narrow.matches;
    }
  }
}
