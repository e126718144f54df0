import { expect, test } from "vitest";

import { describeInBrowser, open, parametersOf, screenshot, settled } from "./helpers/page";

describeInBrowser("flame graph", () => {
  test("search says how much matches, in the URL", async () => {
    const { page, complaints } = await open("spikes", "#/flamegraph");
    await settled(page);
    await page.getByRole("searchbox").fill("build_spike");
    // 300 buffers of 100 000 bytes.
    await expect.poll(() => page.locator(".flame-matches").textContent()).toContain("28.6 MiB");
    await expect.poll(() => parametersOf(page).get("search")).toBe("build_spike");
    await page.getByRole("searchbox").fill("/(/");
    await expect.poll(() => page.locator(".flame-matches").textContent()).toContain("Not a valid regular expression");
    expect(complaints).toEqual([]);
  });

  test("a click zooms in, a link shows the same, a crumb leads back", async () => {
    const { page } = await open("service", "#/flamegraph?unfold=all");
    await settled(page);
    await screenshot(page, "flamegraph");
    const box = await page.locator(".flame-scroller").boundingBox();
    await page.mouse.click((box?.x ?? 0) + 200, (box?.y ?? 0) + 50);
    await expect.poll(() => page.locator(".crumbs li").count()).toBeGreaterThan(1);
    const crumbs = await page.locator(".crumbs").textContent();
    await page.reload();
    await settled(page);
    await expect.poll(() => page.locator(".crumbs").textContent()).toBe(crumbs);
    await page.getByRole("button", { name: "All", exact: true }).click();
    await expect.poll(() => parametersOf(page).get("frame")).toBeNull();
  });

  test("the keyboard goes through the tree, and the frame's stack can be copied", async () => {
    const { page } = await open("spikes", "#/flamegraph", { permissions: ["clipboard-read", "clipboard-write"] });
    await settled(page);
    const graph = page.getByRole("application");
    await graph.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => graph.getAttribute("aria-label")).toContain("build_spike");
    await page.keyboard.press("ArrowUp");
    await expect.poll(() => graph.getAttribute("aria-label")).toContain("<module> programs/spikes.py");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("c");
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/spikes\.py.* <module>\n.*spikes\.py.* build_spike/);
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".crumbs").textContent()).toContain("build_spike");
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("type"))).toBe("search");
  });

  test("frames of libraries that lead to the program are one row, until it is clicked", async () => {
    const { page } = await open("let_go", "#/flamegraph");
    await settled(page);
    const graph = page.getByRole("application");
    await graph.focus();
    await page.keyboard.press("ArrowDown"); // <module>
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => graph.getAttribute("aria-label")).toMatch(/\d+ frames of asyncio/);
    await screenshot(page, "flamegraph-folded");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => graph.getAttribute("aria-label")).toContain("grow");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await expect.poll(() => parametersOf(page).get("unfold")).not.toBeNull();
    await expect.poll(() => graph.getAttribute("aria-label")).not.toContain("frames of asyncio");
    await page.reload();
    await settled(page);
    const fold = page.getByRole("button", { name: "Fold libraries" });
    await fold.click();
    await expect.poll(() => parametersOf(page).get("unfold")).toBe("all");
    await fold.click();
    await expect.poll(() => parametersOf(page).get("unfold")).toBeNull();
  });

  test("the root is in sight, whether it stands above or below, and flames stay where they were scrolled to", async () => {
    const { page } = await open("service", "#/flamegraph?unfold=all");
    await settled(page);
    const scroller = page.locator(".flame-scroller");
    const toEnd = () => scroller.evaluate((element) => element.scrollHeight - element.clientHeight - element.scrollTop);
    expect(await toEnd(), "it is higher than the screen").toBeGreaterThan(0);
    await page.getByText("Flame", { exact: true }).click();
    await expect.poll(toEnd).toBeLessThan(1);
    await page.setViewportSize({ width: 1280, height: 450 }); // lower than any flames
    await expect.poll(toEnd).toBeLessThan(1);
    await scroller.evaluate((element) => element.scrollBy(0, -30));
    await expect.poll(toEnd).toBe(30);
    const frames = async () => (await scroller.getAttribute("aria-label"))?.match(/\d+ frames/)?.[0];
    const former = await frames();
    await page.getByRole("button", { name: "Inverted" }).click();
    await expect.poll(frames).not.toBe(former);
    await expect.poll(toEnd).toBe(30);
    await page.getByText("Icicle", { exact: true }).click();
    await expect.poll(() => scroller.evaluate((element) => element.scrollTop)).toBe(0);
  });

  test.each([
    "mode=live",
    "mode=born_alive",
    "mode=difference",
    "inverted=yes&merge=line&shape=flame",
  ])("%s is drawn", async (settings) => {
    const { page, complaints } = await open("service", `#/flamegraph?${settings}`);
    await settled(page);
    expect(await page.getByRole("application").getAttribute("aria-label")).toMatch(/Flame graph, \d+ frames/);
    await screenshot(page, `flamegraph-${settings.replace(/\W+/g, "-")}`);
    expect(complaints).toEqual([]);
  });

  test("the table behind it names each function with its total", async () => {
    const { page } = await open("spikes", "#/flamegraph?shape=table");
    await settled(page);
    const row = page.getByRole("table").locator("tr", { hasText: /^build_spike / });
    expect(await row.textContent()).toContain("28.6 MiB");
  });
});
