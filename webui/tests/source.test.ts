import { appendFileSync, copyFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, inject, test } from "vitest";

import { record } from "./helpers/globalSetup";
import { describeInBrowser, open, screenshot, settled } from "./helpers/page";

const PROGRAM = resolve(import.meta.dirname, "programs/spikes.py");

/** Records a copy of a program, and does something to the copy; the name of the trace. */
function recorded(name: string, change: (program: string) => void, ...options: string[]): string {
  const folder = inject("folder");
  const program = join(folder, `${name}.py`);
  copyFileSync(PROGRAM, program);
  record(join(folder, `${name}.mlyze`), "--sample-rate", "1.0", ...options, program);
  change(program);
  return name;
}

describeInBrowser("source", () => {
  test.each([
    ["changed", (program: string) => appendFileSync(program, "# one more line\n")],
    ["deleted", (program: string) => rmSync(program)],
  ])("of a file that was %s, the lines that ran are shown from the trace", async (what, change) => {
    const trace = recorded(`kept-and-${what}`, change, "--include-source");
    const { page, complaints } = await open(trace, "#/source");
    await settled(page);
    const code = page.locator(".source-code");
    expect(await code.textContent()).toContain("stored in the trace");
    const spike = code.locator("tr", { hasText: "# SPIKE" });
    expect(await spike.locator("td").nth(1).textContent()).toContain("28.6 MiB");
    expect(await code.textContent()).not.toContain("one more line");
    await screenshot(page, `source-${what}`);
    expect(complaints).toEqual([]);
  });

  test("of a file that was changed, and is not in the trace, only the figures are shown", async () => {
    const trace = recorded("changed", (program) => appendFileSync(program, "# one more line\n"));
    const { page, complaints } = await open(trace, "#/source");
    await settled(page);
    const code = page.locator(".source-code");
    expect(await code.textContent()).toContain("changed since it ran");
    expect(await code.textContent()).toContain("--include-source");
    expect(await code.textContent()).not.toContain("one more line");
    expect(await code.getByRole("table").textContent()).toContain("build_spike");
    expect(complaints).toEqual([]);
  });
});
