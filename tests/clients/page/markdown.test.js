import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInline } from "../../../samples/Quickstart/wwwroot/js/markdown-inline.js";
import { parseMarkdown } from "../../../samples/Quickstart/wwwroot/js/markdown.js";

/** Inline nodes in a short form: strings and [type, …]. */
const short = (nodes) =>
  nodes.map((node) => {
    switch (node.type) {
      case "text":
        return node.text;
      case "code":
        return ["code", node.text];
      case "citation":
        return ["cite", node.number];
      case "break":
        return ["break"];
      case "link":
        return ["link", node.href, ...short(node.nodes)];
      default:
        return [node.type, ...short(node.nodes)];
    }
  });
const inline = (text) => short(parseInline(text));
const types = (text) => parseMarkdown(text).map((block) => block.type);

const cases = [
  ["plain text", ["plain text"]],
  ["**bold** and *soft* and _soft_", [["strong", "bold"], " and ", ["emphasis", "soft"], " and ", ["emphasis", "soft"]]],
  ["**bold *both* bold**", [["strong", "bold ", ["emphasis", "both"], " bold"]]],
  ["***both***", [["strong", ["emphasis", "both"]]]],
  ["snake_case_name and 2 * 3 * 4", ["snake_case_name and 2 * 3 * 4"]],
  ["_Set LLM_CHOICE and LLM_API_KEY._", [["emphasis", "Set LLM_CHOICE and LLM_API_KEY."]]],
  ["open **bold", ["open **bold"]],
  ["`a*b` and ``c`d``", [["code", "a*b"], " and ", ["code", "c`d"]]],
  ["`open", ["`open"]],
  ["27 days [1], [12].", ["27 days ", ["cite", 1], ", ", ["cite", 12], "."]],
  ["**27 days [1]**", [["strong", "27 days ", ["cite", 1]]]],
  ["see [1](note)", ["see ", ["cite", 1], "(note)"]],
  ["`x[1]`", [["code", "x[1]"]]],
  ["\\[1] \\*no\\*", ["[1] *no*"]],
  ["one\ntwo", ["one", ["break"], "two"]],
  ["[text](https://example.com/a?b=1)", [["link", "https://example.com/a?b=1", "text"]]],
  ["[a [b](http://example.com)", ["[a ", ["link", "http://example.com/", "b"]]],
  ["see https://example.com/x.", ["see ", ["link", "https://example.com/x", "https://example.com/x"], "."]],
  ["<https://example.com>", [["link", "https://example.com/", "https://example.com"]]],
  ["[x](javascript:alert(1))", [["span", "x"], ")"]],
  ["[x](data:text/html,y)", [["span", "x"]]],
  ["[x](//example.com)", [["span", "x"]]],
  ["<img src=x onerror=alert(1)>", ["<img src=x onerror=alert(1)>"]],
  ["日本語は**太字**です", ["日本語は", ["strong", "太字"], "です"]],
];
for (const [text, expected] of cases) {
  test(`inline: ${text}`, () => assert.deepEqual(inline(text), expected));
}

test("headings, rules and paragraphs", () => {
  const blocks = parseMarkdown("# One\ntext\nmore\n\n## Two ##\n---\nend");
  assert.deepEqual(blocks.map((block) => block.type), ["heading", "paragraph", "heading", "rule", "paragraph"]);
  assert.deepEqual([blocks[0].level, short(blocks[0].inline)], [1, ["One"]]);
  assert.equal(blocks[1].source, "text\nmore");
});

test("code blocks keep their text as it is, also before they are closed", () => {
  const [block, after] = parseMarkdown("```json\n{ \"a\": [1] }\n\n# no heading\n```\nafter");
  assert.deepEqual([block.language, block.text], ["json", "{ \"a\": [1] }\n\n# no heading"]);
  assert.equal(after.type, "paragraph");
  assert.equal(parseMarkdown("~~~\nopen\n```")[0].text, "open\n```");
});

test("lists nest, keep their start, and continue over blank lines", () => {
  const [list] = parseMarkdown("3. three\n   more\n   - inner [1]\n     - deep\n\n4. four\n\n   second paragraph");
  assert.deepEqual([list.ordered, list.start, list.items.length], [true, 3, 2]);
  const [paragraph, inner] = list.items[0];
  assert.deepEqual(short(paragraph.inline), ["three", ["break"], "more"]);
  assert.deepEqual(short(inner.items[0][0].inline), ["inner ", ["cite", 1]]);
  assert.equal(inner.items[0][1].type, "list");
  assert.deepEqual(list.items[1].map((block) => block.type), ["paragraph", "paragraph"]);
  assert.deepEqual(types("- a\n* * *\n- b"), ["list", "rule", "list"]);
  assert.deepEqual(types("text\n- item"), ["paragraph", "list"]);
});

test("tables have a header, alignment and rows of equal width", () => {
  const [table, after] = parseMarkdown("| Part | Price |\n|:--|--:|\n| HP-1042 | £6.40 [1] |\n| a \\| b |\n\nafter");
  assert.deepEqual(table.header.map(short), [["Part"], ["Price"]]);
  assert.deepEqual(table.align, ["left", "right"]);
  assert.deepEqual(table.rows.map((row) => row.map(short)), [
    [["HP-1042"], ["£6.40 ", ["cite", 1]]],
    [["a | b"], []],
  ]);
  assert.equal(after.type, "paragraph");
  assert.deepEqual(types("a | b\nno table"), ["paragraph"]);
});

test("quotes hold blocks", () => {
  const [quote] = parseMarkdown("> said\n>\n> - one\n\nreply");
  assert.deepEqual(quote.blocks.map((block) => block.type), ["paragraph", "list"]);
});

/** All text that a tree shows. */
const textOf = (node) =>
  Array.isArray(node)
    ? node.map(textOf).join("")
    : node === null || typeof node !== "object"
      ? ""
      : (node.text ?? "") +
        (node.number !== undefined && node.type === "citation" ? `[${node.number}]` : "") +
        textOf([node.inline, node.nodes, node.blocks, node.items, node.header, node.rows].filter(Boolean));

test("law: any text is parsed, no letter of it is lost, and every prefix of it is parsed too", () => {
  const pieces = ["a", "b ", "é", "**", "*", "_", "`", "```", "\n", "\n\n", "[1]", "[", "](", ")", "|", "|-|", "- ", "1. ", "# ", "> ", "\\", "<", "   "];
  let seed = 20260615;
  const next = (count) => (seed = (seed * 1103515245 + 12345) % 2147483648) % count;
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: 1 + next(25) }, () => pieces[next(pieces.length)]).join("");
    for (let end = 0; end <= text.length; end += 1 + next(4)) {
      parseMarkdown(text.slice(0, end));
    }

    // Link targets and the language of a code fence are not shown as text; everything else is.
    if (!text.includes("](") && !text.includes("```") && !text.includes("|")) {
      const letters = (value) => value.replace(/[^abé]/g, "");
      assert.equal(letters(textOf(parseMarkdown(text))), letters(text), JSON.stringify(text));
    }
  }
});

test("hostile text costs little time", () => {
  const hostile = ["[", "](", "*", "**a", "`", "_a ", "> ", "- ", "  - ", "[a](", "<h", "|", "https://", "\\"];
  for (const piece of hostile) {
    const started = performance.now();
    parseMarkdown(piece.repeat(20_000));
    parseMarkdown((piece + "\n").repeat(2_000));
    assert.ok(performance.now() - started < 1500, `${JSON.stringify(piece)} took ${performance.now() - started} ms`);
  }
});
