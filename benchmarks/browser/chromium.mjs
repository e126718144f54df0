/** Chromium, and what is common to measurements in it. */

import { createRequire } from "node:module";
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
const { chromium } = createRequire(resolve(ROOT, "webui/package.json"))("playwright-core");

/** `isPaced`: no more than the 60 frames a second of a display; otherwise as many as can be made. */
export function launch({ isPaced = true } = {}) {
  const unpaced = isPaced ? [] : ["--disable-frame-rate-limit", "--disable-gpu-vsync"];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", ...unpaced] });
}

/** Told in one line of JSON, for `benchmarks/run.py`. */
export function tell(figures) {
  console.log(JSON.stringify(figures));
}
