/** A browser for the tests of one file, and what they do with a page again and again. */

import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject } from "vitest";

import { BROWSER } from "./environment";

const SCREENSHOTS = resolve(import.meta.dirname, "../../test-screenshots");

let browser: Browser | undefined;
const contexts = new Set<BrowserContext>();

/** A group of tests that need the browser; skipped where there is none. */
export function describeInBrowser(name: string, tests: () => void): void {
  describe.skipIf(inject("url") === "")(name, () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: BROWSER ?? "", args: ["--no-sandbox"] });
    });
    afterAll(async () => {
      await browser?.close();
    });
    tests();
  });
}

export interface Opened {
  readonly page: Page;
  /** What the page has complained about. */
  readonly complaints: string[];
}

/** Opens the page at a place, such as `#/flamegraph?mode=live`, of the trace with this name. */
export async function open(trace: string, hash: string, options: BrowserContextOptions = {}, url = inject("url")): Promise<Opened> {
  for (const context of contexts) {
    await context.close();
  }
  contexts.clear();
  if (browser === undefined) {
    throw new Error("there is no browser");
  }
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
  contexts.add(context);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  const traces = (await (await page.request.get(new URL("/api/traces", url).href)).json()) as { traces: { id: string; name: string }[] };
  const id = traces.traces.find(({ name }) => name === `${trace}.mlyze`)?.id;
  expect(id, `${trace} is served`).toBeDefined();
  await go(page, hash, id ?? "");
  return { page, complaints };
}

/** Goes to a place within the page. */
export async function go(page: Page, hash: string, trace?: string): Promise<void> {
  const withTrace = trace === undefined ? hash : `${hash}${hash.includes("?") ? "&" : "?"}trace=${encodeURIComponent(trace)}`;
  await page.evaluate((next) => {
    window.location.hash = next;
  }, withTrace);
}

/** Waits until nothing is on its way any more. */
export async function settled(page: Page): Promise<void> {
  // Twice, with a moment between: what is settled may ask for more.
  for (let round = 0; round < 2; round += 1) {
    await page.waitForFunction(() => document.querySelector(".progress.is-active, [aria-busy=true]") === null);
    await page.evaluate(() => new Promise((done) => setTimeout(done, 120)));
  }
}

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: resolve(SCREENSHOTS, `${name}.png`) });
}

/** Parameters of the page's own URL. */
export function parametersOf(page: Page): URLSearchParams {
  return new URLSearchParams(new URL(page.url()).hash.split("?")[1] ?? "");
}
