/** Where the tests find a browser and memlyze. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../../..");

export const MEMLYZE = process.env.MEMLYZE ?? resolve(ROOT, process.env.VENV ?? ".venv", "bin/memlyze");

const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export const BROWSER = BROWSERS.find((path) => path !== undefined && existsSync(path));

/** Why there is nothing to test with; undefined: there is. */
export function whatIsMissing(): string | undefined {
  if (BROWSER === undefined) {
    return "no Chromium: install Debian's package chromium, or name one in CHROMIUM";
  }
  return existsSync(MEMLYZE) ? undefined : `no memlyze at ${MEMLYZE}: run make setup, or name it in MEMLYZE`;
}
