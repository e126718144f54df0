/** Chromium, and what is common to measurements in it. */

import { createRequire } from "node:module";
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
const { chromium } = createRequire(resolve(ROOT, "webui/package.json"))("playwright-core");

/** With these, frames come as fast as they are drawn, and not with the display. */
const UNLIMITED = ["--disable-gpu-vsync", "--disable-frame-rate-limit"];

export function launch({ isUnlimited = false } = {}) {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", ...(isUnlimited ? UNLIMITED : [])] });
}

/** Told in one line of JSON, for `benchmarks/run.py`. */
export function tell(figures) {
  console.log(JSON.stringify(figures));
}
