import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { browserSuite, needs, useBrowser } from "./browser.js";
import { quickstart, startQuickstart } from "./quickstart-process.js";

const builtSuite = needs(quickstart, "the sample is not built: dotnet build samples/Quickstart");
const suite = browserSuite.skip ? browserSuite : builtSuite;

describe("the Quickstart in a browser", suite, () => {
  const open = useBrowser();
  let sample;
  before(async () => {
    assert.ok(quickstart, "Not built: dotnet build samples/Quickstart");
    sample = await startQuickstart();
  });
  after(async () => {
    const ended = await sample?.stop();
    assert.ok(!ended || ended.code === 0, `The sample ended with ${ended?.code}:\n${ended?.output}`);
  });

  /** Asks and returns the citations that came with the answer. */
  const ask = async (page, act) => {
    const response = page.waitForResponse((candidate) => candidate.url().endsWith("/api/chat"));
    await act();
    await page.locator(".answer").last().locator(".actions").waitFor();
    const lines = (await (await response).text()).split("\n").filter((line) => line.startsWith("data: {"));
    return lines
      .map((line) => JSON.parse(line.slice(6)))
      .filter((event) => event.type === "source-document")
      .map((event) => event.providerMetadata.slipway);
  };
  const askInWords = (page, question) =>
    ask(page, async () => {
      await page.getByLabel("Your question").fill(question);
      await page.keyboard.press("Enter");
    });
  const openDocuments = async (page) => {
    await page.locator("#documents").click();
    await page.locator(".documents li").first().waitFor();
  };

  test("a sample question is answered with citations that open the very words", async (t) => {
    const page = await open(t, sample.url);
    const citations = await ask(page, () => page.getByRole("button", { name: "How many days of annual leave do I have?" }).click());
    assert.match(await page.locator(".answer .text").innerText(), /27 days/);
    assert.ok(citations.length > 0);
    assert.ok(citations.every((citation) => citation.verified));

    const chips = page.locator(".answer .chip");
    assert.ok((await chips.count()) >= citations.length);
    for (const citation of citations) {
      await chips.getByText(String(citation.number), { exact: true }).first().click();
      const found = await (await fetch(`${sample.url}/api/documents/${citation.documentId}/content`)).json();
      await page.locator("#panel-subtitle", { hasText: found.name }).waitFor();
      const marked = await page.locator("mark").textContent();
      assert.equal(marked, found.text.slice(citation.start, citation.end));
      assert.equal(marked, citation.quote);
    }
  });

  test("a file that is dropped in is listed and answers within 5 seconds", async (t) => {
    const page = await open(t, sample.url);
    await openDocuments(page);
    const count = Number(await page.locator("#document-count").textContent());
    writeFileSync(join(sample.knowledge, "tide-table.md"), "# Tide table\n\nHigh water at Cumberland Basin on 3 July is at 07:42.\n");
    await page
      .locator(".documents li[data-state=published]", { hasText: "tide-table.md" })
      .waitFor({ timeout: 5000 });
    assert.equal(Number(await page.locator("#document-count").textContent()), count + 1);

    const citations = await askInWords(page, "When is high water at Cumberland Basin on 3 July?");
    assert.match(await page.locator(".answer .text").innerText(), /07:42/);
    assert.equal(citations[0].name, "tide-table.md");
  });

  test("a hostile document is text in the answer, in the panel and in the list", async (t) => {
    const page = await open(t, sample.url);
    const evil = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;
    writeFileSync(join(sample.knowledge, "bilge.md"), `# Bilge ${evil}\n\nThe bilge keeler Zorblax leaks ${evil} every spring.\n`);
    await openDocuments(page);
    await page.locator(".documents li[data-state=published]", { hasText: "bilge.md" }).waitFor();
    const citations = await askInWords(page, "Where does the bilge keeler Zorblax leak?");
    assert.ok(citations.some((citation) => citation.name === "bilge.md"));
    assert.ok((await page.locator(".answer .text").innerText()).includes("<img src=x"));
    await page.locator(".source", { hasText: "bilge.md" }).first().click();
    await page.locator("mark", { hasText: "Zorblax" }).waitFor();
    assert.equal(await page.locator("#log img, #panel img").count(), 0);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  });

  test("Japanese and German questions find their documents", async (t) => {
    const page = await open(t, sample.url);
    for (const [question, name] of [
      ["抽出温度は何度に設定されていますか", "service/heron-duo-quick-start-ja.md"],
      ["Was kostet das Entkalken des Dampfkessels in Freiburg?", "service/leitfaden-entkalkung-de.md"],
    ]) {
      const citations = await askInWords(page, question);
      assert.ok(citations.some((citation) => citation.name === name), `${question}: ${JSON.stringify(citations)}`);
    }
  });
});
