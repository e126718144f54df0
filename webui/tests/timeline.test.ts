import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { describeInBrowser, open, parametersOf, screenshot, settled } from "./helpers/page";

const LEFT_PX = 76;
const RIGHT_PX = 12;
const PROGRAM = readFileSync(resolve(import.meta.dirname, "programs/spikes.py"), "utf8").split("\n");

/** The line of the program that has this remark. */
function lineOf(remark: string): number {
  return PROGRAM.findIndex((line) => line.endsWith(`# ${remark}`)) + 1;
}

interface Answer {
  readonly peaks: readonly { readonly time_ns: number; readonly kind: string }[];
  readonly to_ns: number;
}

async function ask(page: Page): Promise<Answer> {
  const trace = parametersOf(page).get("trace") ?? "";
  const address = new URL(`/api/timeline?trace=${encodeURIComponent(trace)}`, page.url()).href;
  return (await (await page.request.get(address)).json()) as Answer;
}

/** Where a share of what is shown lies on the screen. */
async function at(page: Page, share: number): Promise<{ x: number; y: number }> {
  const box = await page.locator(".timeline").boundingBox();
  expect(box).not.toBeNull();
  const { x, y, width } = box ?? { x: 0, y: 0, width: 0 };
  return { x: x + LEFT_PX + share * (width - LEFT_PX - RIGHT_PX), y: y + 90 };
}

async function brush(page: Page, from: number, to: number): Promise<void> {
  const [start, end] = [await at(page, from), await at(page, to)];
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, start.y, { steps: 4 });
  await page.mouse.move(end.x, end.y, { steps: 4 });
  await page.mouse.up();
}

describeInBrowser("timeline", () => {
  test("a click on a spike leads to the line that made it", async () => {
    const { page, complaints } = await open("spikes", "#/timeline");
    await settled(page);
    const { peaks, to_ns } = await ask(page);
    const peak = peaks.find(({ kind }) => kind === "heap_live")?.time_ns ?? 0;
    const { x, y } = await at(page, peak / to_ns);
    await page.mouse.click(x + 3, y);
    await settled(page);

    const place = page.locator(".excerpt figcaption a");
    await expect.poll(() => place.textContent()).toContain(`spikes.py:${lineOf("SPIKE")}`);
    await expect.poll(() => page.locator(".excerpt .code-line.is-current").textContent()).toContain("bytearray(100_000)");
    const first = page.locator(".spike .table tbody tr").first();
    expect(await first.textContent()).toContain("build_spike");
    // All 300 buffers are born here, and none is alive.
    expect(await first.locator("td").nth(1).textContent()).toContain("28.6 MiB");
    expect(await first.locator("td").nth(2).textContent()).toBe("0 B");
    await screenshot(page, "timeline-spike");

    await place.click();
    await expect.poll(() => page.locator(`.code-table tr.is-current`).getAttribute("data-line")).toBe(String(lineOf("SPIKE")));
    await settled(page);
    expect(await page.locator(".code-table tr.is-current").textContent()).toContain("28.6 MiB");
    await screenshot(page, "source");
    expect(complaints).toEqual([]);
  });

  test("a click on the rise, the top or the fall of a plateau selects all of it", async () => {
    for (const share of [0.02, 0.5, 0.98]) {
      const { page } = await open("plateau", "#/timeline");
      await settled(page);
      const trace = parametersOf(page).get("trace") ?? "";
      const address = new URL(`/api/timeline?trace=${encodeURIComponent(trace)}&buckets=1000`, page.url()).href;
      const timeline = (await (await page.request.get(address)).json()) as { start_ns: number[]; live_bytes: number[]; to_ns: number };
      const high = timeline.start_ns.filter((_, index) => (timeline.live_bytes[index] ?? 0) > 60e6);
      const [first, last] = [high[0] ?? 0, high[high.length - 1] ?? 0];
      const { x, y } = await at(page, (first + share * (last - first)) / timeline.to_ns);
      await page.mouse.click(x, y);
      await expect.poll(() => parametersOf(page).get("range")).not.toBeNull();
      const [from, to] = (parametersOf(page).get("range") ?? "").split("-").map(Number);
      expect(from).toBeLessThanOrEqual(first);
      expect(to).toBeGreaterThanOrEqual(last);
      expect((to ?? 0) - (from ?? 0)).toBeLessThan(1.5 * (last - first));
      await settled(page);
      await expect.poll(() => page.locator(".spike .table tbody tr").first().textContent()).toContain("hold_much");
      await screenshot(page, "timeline-plateau");
    }
  });

  test("a brush selects a range for all views, in the URL; Escape clears it", async () => {
    const { page } = await open("spikes", "#/timeline");
    await settled(page);
    const before = await page.locator(".spike-head dd").first().textContent();
    await brush(page, 0.1, 0.3);
    await expect.poll(() => parametersOf(page).get("range")).not.toBeNull();
    await expect.poll(() => page.locator(".spike-head dd").first().textContent()).not.toBe(before);
    const [from, to] = (parametersOf(page).get("range") ?? "").split("-").map(Number);
    const { to_ns } = await ask(page);
    expect((from ?? 0) / to_ns).toBeCloseTo(0.1, 1);
    expect((to ?? 0) / to_ns).toBeCloseTo(0.3, 1);

    await page.getByRole("link", { name: "Hotspots" }).click();
    await settled(page);
    expect(parametersOf(page).get("range")).toBe(`${from}-${to}`);
    await page.locator(".timeline").focus();
    await page.keyboard.press("Escape");
    await expect.poll(() => parametersOf(page).get("range")).toBeNull();
  });

  test("an edge of the range can be drawn to another place", async () => {
    const { page } = await open("spikes", "#/timeline");
    await settled(page);
    await brush(page, 0.2, 0.4);
    await expect.poll(() => parametersOf(page).get("range")).not.toBeNull();
    const before = parametersOf(page).get("range")?.split("-");
    await brush(page, 0.4, 0.6);
    const end = () => Number(parametersOf(page).get("range")?.split("-")[1]);
    await expect.poll(end).toBeGreaterThan(Number(before?.[1]));
    expect(parametersOf(page).get("range")?.split("-")[0]).toBe(before?.[0]);
  });

  test("wheel, buttons and a drag of the axis zoom and pan; a link shows the same", async () => {
    const { page } = await open("spikes", "#/timeline");
    await settled(page);
    const { x, y } = await at(page, 0.5);
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, -600);
    await expect.poll(() => parametersOf(page).get("zoom")).not.toBeNull();
    const zoom = parametersOf(page).get("zoom");
    await page.mouse.wheel(200, 0);
    await expect.poll(() => parametersOf(page).get("zoom")).not.toBe(zoom);

    const url = page.url();
    await page.reload();
    await settled(page);
    expect(page.url()).toBe(url);
    await page.getByRole("button", { name: "Show everything" }).click();
    await expect.poll(() => parametersOf(page).get("zoom")).toBeNull();
  });

  test("what the timeline shows can be split by who holds it, explained, and read as a table", async () => {
    const { page, complaints } = await open("service", "#/timeline");
    await settled(page);
    await screenshot(page, "timeline");
    await page.getByText("Who holds it", { exact: true }).click();
    await settled(page);
    await expect.poll(() => page.locator(".timeline-legend").textContent()).toContain("Session.__init__");
    await page.getByText("What explains it").click();
    await settled(page);
    await expect.poll(() => page.locator(".timeline-legend").textContent()).toMatch(/objects/i);
    await screenshot(page, "timeline-explained");
    await page.getByRole("button", { name: "Table" }).click();
    await expect.poll(() => page.getByRole("table", { name: "Memory over time" }).locator("tbody tr").count()).toBeGreaterThan(20);
    expect(complaints).toEqual([]);
  });

  test("a click on a window of the lanes selects it everywhere", async () => {
    const { page } = await open("spikes", "#/timeline");
    await settled(page);
    const box = await page.locator(".timeline").boundingBox();
    const { peaks, to_ns } = await ask(page);
    const { x } = await at(page, (peaks[0]?.time_ns ?? 0) / to_ns);
    await page.mouse.click(x, (box?.y ?? 0) + (box?.height ?? 0) - 10);
    await expect.poll(() => parametersOf(page).get("window")).not.toBeNull();
  });
});
