import { element } from "./dom.js";
import { parseMarkdown } from "./markdown.js";

const keys = new WeakMap();

/**
 * Shows Markdown in `container`. Blocks that did not change keep their elements, so that selection and focus survive streaming.
 * `chip(number)` gives a citation's element, or null while nothing is known of that number; `known` tells when that changed.
 */
export function renderMarkdown(container, text, chip, known = "") {
  const blocks = parseMarkdown(text);
  blocks.forEach((block, index) => {
    const key = `${known}\n${block.type}\n${block.source}`;
    const current = container.children[index];
    if (current && keys.get(current) === key) {
      return;
    }

    const next = renderBlock(block, chip);
    keys.set(next, key);
    current ? current.replaceWith(next) : container.append(next);
  });
  while (container.children.length > blocks.length) {
    container.lastElementChild.remove();
  }
}

function renderBlock(block, chip) {
  const inline = (nodes) => nodes.map((node) => renderInline(node, chip));
  const blocks = (list) => list.map((inner) => renderBlock(inner, chip));
  switch (block.type) {
    case "heading":
      // The page's own headings are h1 and h2; an answer's begin below them.
      return element(`h${Math.min(block.level + 2, 6)}`, {}, ...inline(block.inline));
    case "list":
      return renderList(block, blocks, inline);
    case "code":
      return element("pre", { tabIndex: 0 }, element("code", { data: { language: block.language } }, block.text));
    case "quote":
      return element("blockquote", {}, ...blocks(block.blocks));
    case "table":
      return renderTable(block, inline);
    case "rule":
      return element("hr");
    default:
      return element("p", {}, ...inline(block.inline));
  }
}

function renderList(list, blocks, inline) {
  const items = list.items.map((item) => {
    // A lone paragraph stands in its item without a <p>, and so without its margins.
    const [first, ...rest] = item;
    return first?.type === "paragraph"
      ? element("li", {}, ...inline(first.inline), ...blocks(rest))
      : element("li", {}, ...blocks(item));
  });
  return list.ordered ? element("ol", { start: list.start }, ...items) : element("ul", {}, ...items);
}

function renderTable(table, inline) {
  const row = (tag, cells) =>
    element(
      "tr",
      {},
      ...cells.map((cell, column) => element(tag, { className: `align-${table.align[column]}` }, ...inline(cell))),
    );
  const head = element("thead", {}, row("th", table.header));
  const body = element("tbody", {}, ...table.rows.map((cells) => row("td", cells)));
  return element("div", { className: "table", tabIndex: 0 }, element("table", {}, head, body));
}

function renderInline(node, chip) {
  const children = () => node.nodes.map((inner) => renderInline(inner, chip));
  switch (node.type) {
    case "strong":
      return element("strong", {}, ...children());
    case "emphasis":
      return element("em", {}, ...children());
    case "code":
      return element("code", {}, node.text);
    case "link":
      return element("a", { href: node.href, target: "_blank", rel: "noopener noreferrer" }, ...children());
    case "span":
      return element("span", {}, ...children());
    case "break":
      return element("br");
    case "citation":
      return chip(node.number) ?? `[${node.number}]`;
    default:
      return node.text;
  }
}
