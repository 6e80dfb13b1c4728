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
    this.root.hidden = false;
    document.body.classList.add("with-panel");
    this.title.focus({ preventScroll: true });
  }

  close() {
    this.#closed();
    this.#closed = () => {};
    this.root.hidden = true;
    this.body.replaceChildren();
    document.body.classList.remove("with-panel");
    this.#opener?.focus({ preventScroll: true });
    this.#opener = null;
  }
}
