/** Chromium, and what is common to measurements in it. */

import { createRequire } from "node:module";
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
const { chromium } = createRequire(resolve(ROOT, "webui/package.json"))("playwright-core");

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** Told in one line of JSON, for `benchmarks/run.py`. */
export function tell(figures) {
  console.log(JSON.stringify(figures));
}
