import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, inject, test } from "vitest";

import { MEMLYZE } from "./helpers/environment";
import { describeInBrowser, open } from "./helpers/page";

describeInBrowser("report", () => {
  test("a bar that has no room for its label has a module's file, not the beginning that all modules share", async () => {
    const report = join(inject("folder"), "report.html");
    execFileSync(MEMLYZE, ["report", "--force", "-o", report, join(inject("folder"), "service.mlyze")], { stdio: ["ignore", "ignore", "pipe"] });
    const { page: served } = await open("service", "#/info");
    const page = await served.context().newPage();
    await page.addInitScript(() => {
      const drawn: string[] = [];
      const { fillText } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        drawn.push(text);
        return fillText.call(this, text, ...place);
      };
      Object.assign(window, { drawn });
    });
    await page.goto(pathToFileURL(report).href);
    await page.getByRole("button", { name: "Not freed" }).click();
    const drawn = () => page.evaluate(() => (window as unknown as { drawn: string[] }).drawn);
    await expect.poll(drawn).toContain("<module> examples/leaking_service.py");
    expect((await drawn()).filter((text) => /^asyncio\/__/.test(text))).not.toEqual([]);
    expect((await drawn()).filter((text) => /^<mod.*…$/.test(text))).toEqual([]);
  });
});
