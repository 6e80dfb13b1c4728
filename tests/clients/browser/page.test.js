import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { browserSuite, useBrowser } from "./browser.js";
import { startFakeServer } from "./fake-server.js";

const text = "# Leave\n\nStaff have 27 days of leave.\n\n" + "More text.\n".repeat(200) + "The 日本語 end 🛶 is here.\n";
const placeOf = (quote) => ({ start: text.indexOf(quote), end: text.indexOf(quote) + quote.length });
const cite = (number, rest = {}) => ({
  type: "source-document",
  sourceId: `s${number}`,
  mediaType: "text/markdown",
  title: "Leave",
  filename: "leave.md",
  providerMetadata: {
    slipway: { number, documentId: "d1", version: 1, verified: true, name: "leave.md", headings: ["Leave"], quote: null, ...rest },
  },
});
const say = (delta) => ({ type: "text-delta", id: "t", delta });
const opening = [{ type: "start", messageId: "m" }, { type: "start-step" }, { type: "text-start", id: "t" }];
const closing = [{ type: "text-end", id: "t" }, { type: "finish-step" }, { type: "finish", finishReason: "stop" }];

/** Plays an answer from its beginning to its end. */
const whole =
  (...events) =>
  (_, stream) => {
    stream.begin();
    stream.send(...opening, ...events, ...closing);
    stream.end();
  };

describe("the chat page", browserSuite, () => {
  const open = useBrowser();
  const api = {};
  let server;
  before(async () => (server = await startFakeServer(api)));
  after(() => server.close());
  beforeEach(() => {
    Object.assign(api, {
      documents: [{ id: "d1", name: "leave.md", title: "Leave", state: "published", chunks: 3, size: 2100, error: null }],
      texts: { d1: { id: "d1", version: 1, title: "Leave", name: "leave.md", text } },
      chat: whole(say("hello")),
    });
  });

  const ask = async (page, question) => {
    await page.getByLabel("Your question").fill(question);
    await page.keyboard.press("Enter");
  };
  const finished = (page) => page.locator(".answer").last().locator(".actions").waitFor();

  test("sends the last message only, in one conversation, and a new chat begins another", async (t) => {
    const bodies = [];
    api.chat = (body, stream) => {
      bodies.push(body);
      whole(say("yes"))(body, stream);
    };
    const page = await open(t, server.url);
    for (const question of ["one", "two"]) {
      await ask(page, question);
      await finished(page);
    }

    await page.getByRole("button", { name: "New chat" }).click();
    assert.equal(await page.locator("#log article").count(), 0);
    await ask(page, "three");
    await finished(page);

    assert.deepEqual(bodies.map((body) => body.messages.map((message) => message.parts[0].text)), [["one"], ["two"], ["three"]]);
    assert.deepEqual(bodies.map((body) => body.trigger), Array(3).fill("submit-message"));
    assert.equal(bodies[0].id, bodies[1].id);
    assert.notEqual(bodies[1].id, bodies[2].id);
    assert.equal(new Set(bodies.map((body) => body.messages[0].id)).size, 3);
  });

  test("a citation opens its passage, and Escape leads back to it", async (t) => {
    const quote = "The 日本語 end 🛶";
    api.chat = whole(say("It ends [1], perhaps [2], array[3]."), cite(1, { ...placeOf(quote), quote }), cite(2, { start: 0, end: 7, verified: false }));
    const page = await open(t, server.url);
    await ask(page, "end?");
    await finished(page);

    assert.equal(await page.locator(".answer .text").innerText(), "It ends 1, perhaps 2, array[3].");
    const chip = page.getByRole("button", { name: "Source 1: Leave", exact: true });
    await chip.focus();
    await page.keyboard.press("Enter");
    await page.locator("mark").waitFor();
    assert.equal(await page.locator("mark").textContent(), quote);
    assert.ok(await page.locator("mark").evaluate((mark) => {
      const box = mark.getBoundingClientRect();
      return box.top >= 0 && box.bottom <= innerHeight;
    }));
    assert.equal(await page.evaluate(() => document.activeElement.id), "panel-title");
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#panel").isHidden());
    assert.ok(await chip.evaluate((node) => node === document.activeElement));

    const unverified = page.getByRole("button", { name: "Source 2: Leave, not verified" });
    assert.match(await unverified.getAttribute("title"), /not found word for word/);
    await unverified.click();
    await page.getByText("Not verified").waitFor();
  });

  test("a document that changed since is searched for the quote", async (t) => {
    const quote = "Staff have 27 days";
    api.texts.d1 = { ...api.texts.d1, version: 2, text: `New first line.\n${text}` };
    api.chat = whole(say("27 [1] [2]"), cite(1, { ...placeOf(quote), quote }), cite(2, { start: 3, end: 9, quote: "is gone" }));
    const page = await open(t, server.url);
    await ask(page, "days?");
    await finished(page);
    await page.locator(".chip").first().click();
    await page.getByText("the quote is still in it").waitFor();
    assert.equal(await page.locator("mark").textContent(), quote);
    await page.locator(".chip").last().click();
    await page.getByText("no longer in it").waitFor();
    assert.equal(await page.locator("mark").count(), 0);
  });

  test("text of models and documents never becomes markup", async (t) => {
    const evil = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;
    Object.assign(api, {
      documents: [{ id: "d1", name: evil, title: evil, state: "quarantined", chunks: 1, size: 1, error: evil }],
      texts: { d1: { id: "d1", version: 1, title: evil, name: evil, text: evil } },
      chat: whole(
        { type: "tool-input-available", toolCallId: "c", toolName: "search_knowledge", input: { query: evil } },
        say(`${evil}\n\n- ${evil}\n\n| ${evil} |\n|-|\n| ${evil} |\n\n\`\`\`${evil}\n${evil}\n\`\`\`\n[a](javascript:window.hacked=1) [1]`),
        { ...cite(1, { start: 0, end: 4, quote: evil, name: evil, headings: [evil] }), title: evil },
        { type: "error", errorText: evil },
      ),
    });
    const page = await open(t, server.url);
    await ask(page, evil);
    await finished(page);
    await page.locator(".chip").click();
    await page.locator("mark").waitFor();
    await page.locator("#documents").click();
    await page.locator(".documents .warning").waitFor();
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator("#log img, #panel img, main script, #log a").count(), 0);
    assert.ok((await page.locator(".answer .text p").first().innerText()).startsWith(evil));
  });

  test("the page's policy refuses inline script even if markup got in", async (t) => {
    const page = await open(t, server.url, { expected: /Content Security Policy/ });
    const refused = await page.evaluate(() => {
      const violation = new Promise((resolve) =>
        document.addEventListener("securitypolicyviolation", (event) => {
          if (event.effectiveDirective.startsWith("script-src")) {
            resolve(event.effectiveDirective);
          }
        }),
      );
      document.getElementById("log").innerHTML = `<img src="x:" onerror="window.hacked=1">`;
      return violation;
    });
    assert.equal(refused, "script-src-attr");
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  });

  test("stop ends the transfer and keeps what has come; the answer can be asked for again", async (t) => {
    const triggers = [];
    const ids = [];
    api.stops = [];
    let closed;
    api.chat = (body, stream) => {
      triggers.push(body.trigger);
      ids.push(body.id);
      if (triggers.length > 1) {
        return whole(say("second try"))(body, stream);
      }

      stream.begin();
      stream.send(...opening, say("first words"));
      closed = stream.closed;
    };
    const page = await open(t, server.url);
    await ask(page, "long?");
    await page.getByText("first words").waitFor();
    await page.getByRole("button", { name: "Stop the answer" }).click();
    await page.getByText("Stopped.").first().waitFor();
    assert.equal(await page.locator(".answer .text").innerText(), "first words");
    await closed;

    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".answer .text", { hasText: "second try" }).waitFor();
    assert.deepEqual(triggers, ["submit-message", "regenerate-message"]);
    assert.deepEqual(api.stops, [ids[0]]); // the server was told before it was asked again
    assert.equal(await page.locator(".answer").count(), 1);
  });

  test("a refusal shows what the server says, and trying again sends the same message", async (t) => {
    const bodies = [];
    api.chat = (body, stream) => {
      bodies.push(body);
      return bodies.length === 1
        ? stream.refuse(503, { title: "Unavailable", detail: "The model does not answer. Check LLM_BASE_URL." })
        : whole(say("now"))(body, stream);
    };
    const page = await open(t, server.url);
    await ask(page, "there?");
    await page.locator(".answer .error", { hasText: "The model does not answer. Check LLM_BASE_URL." }).waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".answer .text", { hasText: "now" }).waitFor();
    assert.deepEqual(bodies[0], bodies[1]);
  });

  test("a connection that breaks is told, with what came before it", async (t) => {
    let drop;
    api.chat = (_, stream) => {
      stream.begin();
      stream.send(...opening, say("half an "));
      drop = stream.drop;
    };
    const page = await open(t, server.url);
    await ask(page, "half?");
    await page.getByText("half an").waitFor();
    drop();
    await page.locator(".answer .error:visible").waitFor();
    assert.match(await page.locator(".answer .text").innerText(), /half an/);
    assert.ok(await page.getByRole("button", { name: "Try again" }).isVisible());
  });

  test("the reader who scrolled up is left in peace, and comes back with one click", async (t) => {
    let more;
    api.chat = async (_, stream) => {
      stream.begin();
      stream.send(...opening, say("line\n\n".repeat(80)));
      await new Promise((resolve) => (more = resolve));
      stream.send(say("line\n\n".repeat(40) + "last line"), ...closing);
      stream.end();
    };
    const page = await open(t, server.url);
    const top = () => page.locator("#scroller").evaluate((node) => node.scrollTop);
    await ask(page, "much?");
    await page.waitForFunction(() => document.getElementById("scroller").scrollTop > 500);
    await page.locator("#scroller").evaluate((node) => (node.scrollTop = 100));
    await page.getByRole("button", { name: "↓ Latest" }).waitFor();
    more();
    await finished(page);
    assert.equal(await top(), 100);
    await page.getByRole("button", { name: "↓ Latest" }).click();
    assert.ok(await page.getByText("last line").last().isVisible());
    assert.ok((await top()) > 500);
  });

  test("the list of documents shows states, counts and errors, follows changes and filters", async (t) => {
    const page = await open(t, server.url);
    await page.locator("#documents").click();
    await page.getByText("1 ready").waitFor();
    api.documents = [
      ...api.documents,
      { id: "d2", name: "broken.md", title: "Broken", state: "quarantined", chunks: 0, size: 7, error: "Not UTF-8." },
    ];
    await page.getByText("1 ready, 1 failed").waitFor();
    await page.getByText("Not UTF-8.").waitFor();
    assert.equal(await page.locator("#document-count").textContent(), "2");
    await page.getByLabel("Filter documents").fill("leave");
    assert.equal(await page.locator(".documents li").count(), 1);
    await page.locator(".documents button").first().click();
    await page.locator(".document", { hasText: "Staff have 27 days" }).waitFor();
    await page.getByRole("button", { name: "← All documents" }).click();
    await page.locator(".documents li").first().waitFor();
  });

  test("on a narrow screen the panel covers the page, also for the keyboard", async (t) => {
    const page = await open(t, server.url);
    await page.setViewportSize({ width: 390, height: 800 });
    await page.locator("#documents").click();
    await page.locator(".documents li").waitFor();
    const outside = await page.evaluate(() => {
      document.getElementById("question").focus();
      return document.activeElement.id;
    });
    assert.equal(outside, "panel-title");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.id), "documents");
  });

  test("what happens is spoken: the tool's activity, then the answer with its sources", async (t) => {
    const spoken = [];
    api.chat = whole(
      { type: "tool-input-available", toolCallId: "c", toolName: "search_knowledge", input: { query: "leave" } },
      { type: "tool-output-available", toolCallId: "c", output: { passages: [{}, {}] } },
      say("27 days [1]"),
      cite(1, { start: 0, end: 7 }),
    );
    const page = await open(t, server.url);
    await page.exposeFunction("heard", (words) => spoken.push(words));
    await page.evaluate(() => {
      const announcer = document.getElementById("announcer");
      new MutationObserver(() => window.heard(announcer.textContent)).observe(announcer, { childList: true });
    });
    await ask(page, "leave?");
    await finished(page);
    await page.getByText("Searched: leave (2 passages)").waitFor();
    assert.equal(spoken.at(-1), "Answer with 1 source: 27 days [1]");
  });
});
