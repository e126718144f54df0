import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { describeInBrowser, open, parametersOf, screenshot, settled } from "./helpers/page";

async function write(page: Page, query: string): Promise<void> {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(query);
}

async function run(page: Page, query: string): Promise<void> {
  await write(page, query);
  await page.keyboard.press("Control+Enter");
}

describeInBrowser("SQL", () => {
  test("a query runs, is in the URL, and a link shows the same", async () => {
    const { page } = await open("spikes", "#/sql");
    await settled(page);
    await run(page, "SELECT function, line, bytes FROM hotspots() WHERE function LIKE '%spike%'");
    const grid = page.getByRole("table", { name: "Result" });
    await expect.poll(() => grid.textContent()).toContain("build_spike");
    expect(await grid.textContent()).toContain("28.6 MiB");
    expect(parametersOf(page).get("query")).toContain("hotspots()");
    await page.reload();
    await expect.poll(() => grid.textContent()).toContain("build_spike");
    await page.getByText("Chart", { exact: true }).click();
    await expect.poll(() => page.locator(".chart-bars").textContent()).toContain("build_spike");
    await screenshot(page, "sql-chart");
  });

  test("the keyboard comes to the editor before the list of views, which lies at its left", async () => {
    const { page } = await open("spikes", "#/sql");
    await settled(page);
    await page.waitForFunction(() => document.querySelectorAll(".schema summary").length > 10);
    await page.locator(".skip").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab"); // "Copy link", which is above the view
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("SELECT 1 AS one");
    await page.keyboard.press("Control+Enter");
    await expect.poll(() => page.getByRole("table", { name: "Result" }).textContent()).toContain("one");
    const [list, editor] = [await page.locator(".schema").boundingBox(), await page.locator(".sql-main").boundingBox()];
    expect((list?.x ?? NaN) + (list?.width ?? NaN)).toBeLessThanOrEqual(editor?.x ?? NaN);
    expect(list?.y).toBe(editor?.y);
  });

  test("what is selected is typed over as the page's security policy allows, and brackets are put around it", async () => {
    const { page, complaints } = await open("spikes", "#/sql");
    await settled(page);
    await write(page, "SELECT 'a', 1");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("SELECT 2");
    expect(await page.locator(".cm-content").textContent()).toBe("SELECT 2");
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.type("(");
    expect(await page.locator(".cm-content").textContent()).toBe("SELECT (2)");
    expect(complaints).toEqual([]);
  });

  test("views and columns are completed", async () => {
    const { page } = await open("spikes", "#/sql");
    await settled(page);
    await page.waitForFunction(() => document.querySelectorAll(".schema details").length > 10);
    await write(page, "SELECT * FROM ");
    await page.keyboard.type("hots");
    await expect.poll(() => page.locator(".cm-tooltip-autocomplete").textContent()).toContain("hotspots");
    await screenshot(page, "sql-completion");
    // What is run is not covered by what could have been written.
    await page.keyboard.press("Control+Enter");
    await expect.poll(() => page.locator(".cm-tooltip-autocomplete").count()).toBe(0);
  });

  test("a million rows can be scrolled to their end", async () => {
    const { page } = await open("spikes", "#/sql");
    await settled(page);
    await run(page, "SELECT range AS number FROM range(1000000)");
    const grid = page.getByRole("table", { name: "Result" });
    await expect.poll(() => grid.getAttribute("aria-rowcount"), { timeout: 20_000 }).toBe("1000001");
    await grid.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await expect.poll(() => grid.textContent()).toContain("999999");
    // Only what is visible is in the page.
    expect(await grid.getByRole("row").count()).toBeLessThan(100);
  });

  test("a query that runs for ever is cancelled, and another can follow", async () => {
    const { page } = await open("spikes", "#/sql");
    await settled(page);
    await run(page, "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range * b.range % 7 = 3");
    const cancel = page.getByRole("button", { name: "Cancel" });
    await expect.poll(() => cancel.isEnabled()).toBe(true);
    await cancel.click();
    await expect.poll(() => page.locator(".message").textContent(), { timeout: 15_000 }).toContain("Cancelled");
    await run(page, "SELECT 41 + 1 AS answer");
    await expect.poll(() => page.getByRole("table", { name: "Result" }).textContent()).toContain("42");
  });

  test("what is wrong with a query is said, and what writes is refused", async () => {
    const { page } = await open("spikes", "#/sql");
    await settled(page);
    await run(page, "SELECT nothing FROM hotspots()");
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("nothing");
    await screenshot(page, "sql-error");
    await run(page, "DROP VIEW allocations");
    await expect.poll(() => page.getByRole("alert").textContent()).not.toContain("nothing");
  });

  test("all rows can be downloaded", async () => {
    const { page } = await open("spikes", "#/sql");
    await settled(page);
    await run(page, "SELECT range AS number FROM range(5)");
    await expect.poll(() => page.getByRole("link", { name: /Download/ }).count()).toBe(1);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /Download/ }).click()]);
    const stream = await download.createReadStream();
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
    }
    expect(Buffer.concat(chunks).toString().trim().split(/\r?\n/)).toEqual(["number", "0", "1", "2", "3", "4"]);
  });
});
