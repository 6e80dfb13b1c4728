// A safe subset of Markdown as a tree. HTML is text here, so nothing that a model or a document says can become markup.
// A cut-off answer is valid input: what is not closed yet is shown as far as it has come.

import { parseInline } from "./markdown-inline.js";

// Deeper nesting is hostile, not helpful; it is shown flat.
const maxDepth = 8;

/**
 * Parses Markdown into blocks: paragraph, heading, list, code, quote, table, rule.
 * Each block carries `source`, its own text, by which a renderer can tell whether it changed.
 */
export function parseMarkdown(text) {
  return parseBlocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

function parseBlocks(lines, depth) {
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at++;
      continue;
    }

    const [block, end] =
      readCode(lines, at) ??
      readHeading(lines, at) ??
      readRule(lines, at) ??
      (depth < maxDepth ? readQuote(lines, at, depth) ?? readList(lines, at, depth) : null) ??
      readTable(lines, at) ??
      readParagraph(lines, at);
    block.source = lines.slice(at, end).join("\n");
    blocks.push(block);
    at = end;
  }

  return blocks;
}

function readCode(lines, at) {
  const open = fenceOf(lines[at]);
  if (!open) {
    return null;
  }

  let end = at + 1;
  while (end < lines.length && !closesFence(lines[end], open.fence)) {
    end++;
  }

  const text = lines.slice(at + 1, end).join("\n");
  return [{ type: "code", language: open.language, text }, Math.min(end + 1, lines.length)];
}

function fenceOf(line) {
  const match = /^ {0,3}(`{3,}|~{3,})([^`]*)$/.exec(line);
  return match && { fence: match[1], language: match[2].trim().split(/\s/)[0] };
}

function closesFence(line, fence) {
  const mark = line.trim();
  return mark.length >= fence.length && mark === fence[0].repeat(mark.length);
}

function readHeading(lines, at) {
  const match = /^ {0,3}(#{1,6})[ \t]+(.*)$/.exec(lines[at]);
  return match && [{ type: "heading", level: match[1].length, inline: parseInline(match[2].trim()) }, at + 1];
}

function readRule(lines, at) {
  const mark = lines[at].replace(/\s/g, "");
  return mark.length >= 3 && "-*_".includes(mark[0]) && mark === mark[0].repeat(mark.length)
    ? [{ type: "rule" }, at + 1]
    : null;
}

function readQuote(lines, at, depth) {
  const inner = [];
  let end = at;
  while (end < lines.length && /^ {0,3}>/.test(lines[end])) {
    inner.push(lines[end].replace(/^ {0,3}> ?/, ""));
    end++;
  }

  return end > at ? [{ type: "quote", blocks: parseBlocks(inner, depth + 1) }, end] : null;
}

function itemOf(line) {
  const match = /^( *)([-*+]|\d{1,9}[.)])(?:( +)(.*)|)$/.exec(line);
  return (
    match && {
      indent: match[1].length,
      ordered: /\d/.test(match[2]),
      number: Number.parseInt(match[2], 10),
      text: match[4] ?? "",
      width: match[1].length + match[2].length + 1,
    }
  );
}

function readList(lines, at, depth) {
  const first = itemOf(lines[at]);
  if (!first) {
    return null;
  }

  const items = [];
  let end = at;
  for (;;) {
    const item = end < lines.length ? itemOf(lines[end]) : null;
    if (!item || item.ordered !== first.ordered || item.indent > first.indent + 3 || isRule(lines[end])) {
      break;
    }

    const inner = [item.text];
    end++;
    while (end < lines.length && belongsToItem(lines, end, item)) {
      inner.push(lines[end].slice(Math.min(indentOf(lines[end]), item.width)));
      end++;
    }

    items.push(parseBlocks(inner, depth + 1));
    // A blank line between two items does not end the list.
    const next = skipBlank(lines, end);
    if (next < lines.length && itemOf(lines[next])) {
      end = next;
    }
  }

  return items.length > 0 ? [{ type: "list", ordered: first.ordered, start: first.number, items }, end] : null;
}

function belongsToItem(lines, at, item) {
  if (isBlank(lines[at])) {
    const next = skipBlank(lines, at);
    return next < lines.length && indentOf(lines[next]) >= item.indent + 2;
  }

  return indentOf(lines[at]) >= item.indent + 2 || (!isBlank(lines[at - 1]) && !startsBlock(lines, at));
}

function readTable(lines, at) {
  if (!lines[at].includes("|") || at + 1 >= lines.length || !lines[at + 1].includes("|")) {
    return null;
  }

  const header = cellsOf(lines[at]);
  const marks = cellsOf(lines[at + 1]);
  if (marks.length !== header.length || !marks.every((mark) => /^:?-+:?$/.test(mark))) {
    return null;
  }

  const rows = [];
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) {
    const cells = cellsOf(lines[end]);
    rows.push(header.map((_, column) => parseInline(cells[column] ?? "")));
    end++;
  }

  const align = marks.map((mark) => (mark.endsWith(":") ? (mark.startsWith(":") ? "center" : "right") : "left"));
  return [{ type: "table", header: header.map((cell) => parseInline(cell)), align, rows }, end];
}

function cellsOf(line) {
  const cells = line.trim().split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
  if (cells[0] === "") {
    cells.shift();
  }

  if (cells.at(-1) === "") {
    cells.pop();
  }

  return cells;
}

function readParagraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !startsBlock(lines, end)) {
    end++;
  }

  const text = lines.slice(at, end).map((line) => line.trim()).join("\n");
  return [{ type: "paragraph", inline: parseInline(text) }, end];
}

function startsBlock(lines, at) {
  const line = lines[at];
  return (
    fenceOf(line) !== null ||
    /^ {0,3}(#{1,6}[ \t]|>)/.test(line) ||
    itemOf(line) !== null ||
    isRule(line) ||
    readTable(lines, at) !== null
  );
}

const isRule = (line) => readRule([line], 0) !== null;
const isBlank = (line) => line.trim() === "";
const indentOf = (line) => line.length - line.trimStart().length;

function skipBlank(lines, at) {
  while (at < lines.length && isBlank(lines[at])) {
    at++;
  }

  return at;
}
