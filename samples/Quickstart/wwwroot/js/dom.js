// Building elements. Text goes in as text nodes only; there is no way from a string to markup in this page.

/** Makes an element; `properties` are DOM properties, except `data` (data-*), `aria` (aria-*) and `on` (listeners). */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  const { data = {}, aria = {}, on = {}, ...rest } = properties;
  Object.assign(node, rest);
  Object.assign(node.dataset, data);
  for (const [name, value] of Object.entries(aria)) {
    node.setAttribute(`aria-${name}`, value);
  }

  for (const [name, listener] of Object.entries(on)) {
    node.addEventListener(name, listener);
  }

  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Reads JSON, or throws an error that says in words what the server said. */
export async function fetchJson(url, signal) {
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  if (!response.ok) {
    throw new Error(await problemOf(response));
  }

  return response.json();
}

/** What a refused request tells people: the problem details' text, or the status. */
export async function problemOf(response) {
  const text = await response.text().catch(() => "");
  try {
    const problem = JSON.parse(text);
    const words = problem.detail ?? problem.title;
    if (words) {
      return words;
    }
  } catch {
    // Not JSON: the text itself, if it is short enough to be meant for people.
  }

  const plain = text.trim();
  return plain && plain.length < 400 && !plain.startsWith("<")
    ? plain
    : `The server answered ${response.status} ${response.statusText}`.trim() + ".";
}
