// What stands inside a line of Markdown: text, strong, emphasis, code, link, citation, break.

const maxDepth = 6;
const special = /[\\`*_[<\n]|https?:\/\//g;

/** Parses a line's text into nodes. Links lead to http and https only; any other target leaves its label as text. */
export function parseInline(text) {
  return new InlineParser(text).parse(0, text.length, 0);
}

class InlineParser {
  #text;
  // From where on a delimiter has no partner: without this, text full of openers costs its length squared.
  #unclosed = new Map();

  constructor(text) {
    this.#text = text;
  }

  parse(start, end, depth) {
    const nodes = [];
    let plain = start;
    let at = start;
    while (at < end) {
      special.lastIndex = at;
      const found = special.exec(this.#text);
      if (!found || found.index >= end) {
        break;
      }

      at = found.index;
      const read = this.#read(at, end, depth);
      if (!read) {
        // A whole run of the same character is skipped: "**" without a partner is no "*" either.
        const first = this.#text[at];
        do {
          at++;
        } while (at < end && this.#text[at] === first && "`*_".includes(first));
        continue;
      }

      addText(nodes, this.#text.slice(plain, at));
      if (read.node.type === "text") {
        addText(nodes, read.node.text);
      } else {
        nodes.push(read.node);
      }

      at = plain = read.end;
    }

    addText(nodes, this.#text.slice(plain, end));
    return nodes;
  }

  #read(at, end, depth) {
    switch (this.#text[at]) {
      case "\\":
        return this.#escape(at, end);
      case "\n":
        return { node: { type: "break" }, end: at + 1 };
      case "`":
        return this.#code(at, end);
      case "[":
        return this.#link(at, end, depth) ?? this.#citation(at, end);
      case "<":
        return this.#autoLink(at, end);
      case "h":
        return this.#bareLink(at, end);
      default:
        return depth < maxDepth ? this.#emphasis(at, end, depth) : null;
    }
  }

  #escape(at, end) {
    const next = this.#text[at + 1];
    if (at + 1 >= end || !/[!-/:-@[-`{-~\n]/.test(next)) {
      return null;
    }

    return { node: next === "\n" ? { type: "break" } : { type: "text", text: next }, end: at + 2 };
  }

  #code(at, end) {
    const mark = this.#run(at, end);
    const close = this.#find(mark, at + mark.length, end, (found) => {
      const run = this.#run(found, end);
      return run.length === mark.length && this.#text[found - 1] !== "`";
    });
    if (close < 0) {
      return null;
    }

    let text = this.#text.slice(at + mark.length, close).replaceAll("\n", " ");
    if (/^ .*\S.* $/.test(text)) {
      text = text.slice(1, -1);
    }

    return { node: { type: "code", text }, end: close + mark.length };
  }

  #citation(at, end) {
    const match = /^\[(\d{1,3})\]/.exec(this.#text.slice(at, Math.min(end, at + 5)));
    return match && { node: { type: "citation", number: Number(match[1]) }, end: at + match[0].length };
  }

  #link(at, end, depth) {
    const middle = this.#find("](", at + 1, end);
    const close = middle < 0 ? -1 : this.#find(")", middle + 2, end);
    // Of several opening brackets the innermost is the link's.
    if (close < 0 || depth >= maxDepth || this.#text.lastIndexOf("[", middle) > at) {
      return null;
    }

    const href = safeUrl(this.#text.slice(middle + 2, close).trim().split(/\s/)[0]);
    if (!href && this.#citation(at, end)) {
      return null;
    }

    const nodes = this.parse(at + 1, middle, maxDepth);
    return { node: href ? { type: "link", href, nodes } : { type: "span", nodes }, end: close + 1 };
  }

  #autoLink(at, end) {
    const close = this.#find(">", at + 1, end);
    const target = close < 0 ? "" : this.#text.slice(at + 1, close);
    const href = /^https?:\/\/\S+$/.test(target) ? safeUrl(target) : null;
    return href ? { node: { type: "link", href, nodes: [{ type: "text", text: target }] }, end: close + 1 } : null;
  }

  #bareLink(at, end) {
    if (/\w/.test(this.#text[at - 1] ?? "")) {
      return null;
    }

    const target = /^[^\s<>"'`|*]+/.exec(this.#text.slice(at, end))[0].replace(/[.,;:!?)\]]{1,9}$/, "");
    const href = safeUrl(target);
    return href && { node: { type: "link", href, nodes: [{ type: "text", text: target }] }, end: at + target.length };
  }

  #emphasis(at, end, depth) {
    const run = this.#run(at, end);
    const mark = run.slice(0, 2);
    const inner = at + mark.length;
    const opens = /\S/.test(this.#text[inner] ?? "") && inner < end && !(run[0] === "_" && this.#isWord(at - 1));
    if (!opens || run.length > 3) {
      return null;
    }

    const close = this.#find(mark, inner + 1, end, (found) => this.#closes(found, mark, end));
    if (close < 0) {
      return null;
    }

    const nodes = this.parse(inner, close, depth + 1);
    return { node: { type: mark.length === 2 ? "strong" : "emphasis", nodes }, end: close + mark.length };
  }

  #closes(at, mark, end) {
    const after = at + mark.length;
    // Of the run that ends "***both***" the first star closes the emphasis, the other two what is around it.
    const longer = after < end && this.#text[after] === mark[0];
    const startsLonger = mark.length === 1 && this.#text[at - 1] === mark;
    return !longer && !startsLonger && /\S/.test(this.#text[at - 1]) && !(mark[0] === "_" && this.#isWord(after));
  }

  #isWord(at) {
    return /[\p{L}\p{N}]/u.test(this.#text[at] ?? "");
  }

  #run(at, end) {
    let to = at + 1;
    while (to < end && this.#text[to] === this.#text[at]) {
      to++;
    }

    return this.#text.slice(at, to);
  }

  #find(mark, from, end, accepts = () => true) {
    const key = `${mark} ${end}`;
    if (from >= (this.#unclosed.get(key) ?? Infinity)) {
      return -1;
    }

    let at = this.#text.indexOf(mark, from);
    while (at >= 0 && at + mark.length <= end) {
      if (accepts(at)) {
        return at;
      }

      at = this.#text.indexOf(mark, at + 1);
    }

    this.#unclosed.set(key, from);
    return -1;
  }
}

function addText(nodes, text) {
  if (text === "") {
    return;
  }

  const last = nodes.at(-1);
  if (last?.type === "text") {
    last.text += text;
  } else {
    nodes.push({ type: "text", text });
  }
}

function safeUrl(target) {
  try {
    const url = new URL(target);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
