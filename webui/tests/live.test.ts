import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, inject, test } from "vitest";

import { MEMLYZE } from "./helpers/environment";
import { serve } from "./helpers/globalSetup";
import { describeInBrowser, open, screenshot, settled } from "./helpers/page";

const PROGRAM = resolve(import.meta.dirname, "programs/live.py");

/** Keeps the last moment that was written at an axis, in seconds. */
function keepAxisEnd(): void {
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    const [, figure, unit] = /^([\d.]+) (ms|s)$/.exec(text) ?? [];
    if (figure !== undefined) {
      (window as unknown as { axisEndS: number }).axisEndS = Number(figure) / (unit === "ms" ? 1000 : 1);
    }
    write.call(this, text, ...place);
  };
}

describeInBrowser("live", () => {
  test("a view that is opened first when the server has ended says so", async () => {
    const server = await serve(join(inject("folder"), "spikes.mlyze"));
    const { page } = await open("spikes", "#/timeline", {}, server.url);
    await settled(page);
    await server.stop();
    await page.getByRole("link", { name: "Leaks" }).click();
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("The server is gone");
    // What is there already stays.
    await page.getByRole("link", { name: "Timeline" }).click();
    await expect.poll(() => page.locator(".timeline").count()).toBe(1);
  });

  test("a trace that is still being written grows on the page, and its end is shown", async () => {
    const trace = join(inject("folder"), "live.mlyze");
    const program = spawn(MEMLYZE, ["record", "--quiet", "--sample-rate", "1.0", "-o", trace, PROGRAM], { stdio: ["pipe", "pipe", "inherit"] });
    await once(program.stdout, "data");
    await expect.poll(() => existsSync(trace)).toBe(true);
    const server = await serve(trace);
    try {
      const { page, complaints } = await open("live", "#/timeline", {}, server.url);
      await page.addInitScript(keepAxisEnd);
      await page.reload();
      await expect.poll(() => page.locator(".bar .badge").textContent()).toContain("Live");
      const duration = async () => Number(await page.locator(".timeline").getAttribute("aria-valuemax"));
      const first = await duration();
      await expect.poll(duration).toBeGreaterThan(first);
      const second = await duration();
      await expect.poll(duration).toBeGreaterThan(second);
      // The curve is drawn anew, too, not only what stands around it.
      const axisEnd = () => page.evaluate(() => (window as unknown as { axisEndS: number }).axisEndS);
      const drawn = await axisEnd();
      await expect.poll(axisEnd, { timeout: 10_000 }).toBeGreaterThan(drawn);
      await screenshot(page, "live");

      program.stdin.end("\n");
      await once(program, "exit");
      await expect.poll(() => page.locator(".bar .badge").count()).toBe(0);
      expect(complaints).toEqual([]);
    } finally {
      program.kill();
      await server.stop();
    }
  });
});
