import { existsSync } from "node:fs";
import { after, before } from "node:test";

const candidates = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];
const executablePath = candidates.find((path) => path && existsSync(path));
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Options for a suite that needs `present`: skipped with the reason where it is missing, except on CI, where missing is failing. */
export const needs = (present, reason) => ({ skip: !present && process.env.CI !== "true" && reason, timeout: 60_000 });

export const browserSuite = needs(executablePath, "no Chromium found: install it, or set CHROMIUM_PATH to its program file");

/**
 * Starts a browser before a suite's tests; gives a function that opens a page and fails the test on any script error that is not
 * `expected`.
 */
export function useBrowser() {
  let browser;
  before(async () => {
    if (!executablePath) {
      throw new Error(browserSuite.skip || "No Chromium found on CI: install it, or set CHROMIUM_PATH to its program file.");
    }

    const { chromium } = await import("playwright-core");
    browser = await chromium.launch({ executablePath, args: flags });
  });
  after(() => browser?.close());

  return async (test, url, { expected = /^$/ } = {}) => {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
    const page = await context.newPage();
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("dialog", (dialog) => faults.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
    page.on("console", (message) => {
      // The browser reports refused requests itself; what the page makes of them is what the tests look at.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        faults.push(message.text());
      }
    });
    page.setDefaultTimeout(15_000);
    test.after(async () => {
      await context.close();
      const unexpected = faults.filter((fault) => !expected.test(fault));
      if (unexpected.length > 0) {
        throw new Error(`The page reported: ${unexpected.join("; ")}`);
      }
    });
    await page.goto(url);
    return page;
  };
}
