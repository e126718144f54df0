/** What a person waits for on the page of `memlyze serve`, measured in headless Chromium:
 *
 *     node benchmarks/web_page.mjs trace.mlyze
 *
 * Time until the page is usable, from a brush to the flame graphs and the tables, the frames of panning and zooming, and the server's
 * memory. The browser runs before the command is given, as a person's does. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const { chromium } = createRequire(resolve(ROOT, "webui/package.json"))("playwright-core");
const MEMLYZE = process.env.MEMLYZE ?? resolve(ROOT, ".venv/bin/memlyze");
const BRUSHES = 50;
const FRAMES = 240;

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function report(name, values) {
  const figures = [0.5, 0.95, 1].map((share) => quantile(values, share).toFixed(1));
  console.log(`${name}: median ${figures[0]} ms, 95 % ${figures[1]} ms, greatest ${figures[2]} ms (${values.length})`);
}

/** The most memory that a process has had resident, in bytes; null where the system does not tell. */
function peakResident(processId) {
  try {
    const match = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${processId}/status`, "utf8"));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const started = performance.now();
const server = spawn(MEMLYZE, ["serve", "--no-browser", process.argv[2]], { stdio: ["ignore", "pipe", "inherit"] });
const url = await new Promise((found) => {
  let told = "";
  server.stdout.on("data", (chunk) => {
    told += chunk;
    const match = /http:\/\/\S+/.exec(told);
    if (match) found(match[0]);
  });
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  let received = 0;
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (received += encodedDataLength));
  const opened = performance.now();
  await page.goto(url);
  await page.waitForSelector(".spike-head, .message strong");
  console.log(`usable: ${Math.round(performance.now() - started)} ms after the command, ${Math.round(performance.now() - opened)} ms after the page was opened`);
  console.log(`first load: ${Math.round(received / 1000)} kB`);

  await page.evaluate(() => {
    window.inFlight = 0;
    const fetch = window.fetch;
    window.fetch = async (...given) => {
      window.inFlight += 1;
      try {
        return await fetch(...given);
      } finally {
        window.inFlight -= 1;
      }
    };
    /** Milliseconds until nothing is on its way and the picture is drawn. */
    window.settle = async (act) => {
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      const begun = performance.now();
      act();
      await frame();
      do {
        await frame();
      } while (window.inFlight > 0 || document.querySelector(".progress.is-active"));
      return performance.now() - begun;
    };
  });
  const durationNs = Number(await page.locator(".timeline").getAttribute("aria-valuemax"));

  for (const [name, view, settings] of [
    ["flame graph", "flamegraph", ""],
    ["inverted flame graph", "flamegraph", "&inverted=yes"],
    ["hotspots", "hotspots", ""],
    ["timeline with its table", "timeline", ""],
  ]) {
    await page.evaluate((next) => window.settle(() => (location.hash = `#/${next}`)), `${view}?${settings}`);
    await page.waitForTimeout(500);
    const brushes = await page.evaluate(
      async ({ count, duration, next, more }) => {
        const times = [];
        for (let brush = 0; brush < count; brush += 1) {
          const from = Math.round(duration * ((brush * 0.618) % 0.8));
          const to = from + Math.round(duration * (0.02 + 0.18 * ((brush * 0.377) % 1)));
          times.push(await window.settle(() => (location.hash = `#/${next}?range=${from}-${to}${more}`)));
        }
        return times;
      },
      { count: BRUSHES, duration: durationNs, next: view, more: settings },
    );
    report(`brush → ${name}`, brushes);
  }

  for (const [name, delta] of [["zoom", [0, -30]], ["pan", [40, 0]]]) {
    const frames = await page.evaluate(
      async ({ count, sideways, down }) => {
        const element = document.querySelector(".timeline");
        const box = element.getBoundingClientRect();
        const frames = [];
        let last = await new Promise((done) => requestAnimationFrame(done));
        for (let frame = 0; frame < count; frame += 1) {
          const sign = Math.floor(frame / 40) % 2 === 0 ? 1 : -1;
          element.dispatchEvent(
            new WheelEvent("wheel", { deltaX: sideways * sign, deltaY: down * sign, clientX: box.left + 500, clientY: box.top + 100, cancelable: true, bubbles: true }),
          );
          const now = await new Promise((done) => requestAnimationFrame(done));
          frames.push(now - last);
          last = now;
        }
        return frames;
      },
      { count: FRAMES, sideways: delta[0], down: delta[1] },
    );
    report(`frames while ${name === "pan" ? "panning" : "zooming"} the timeline`, frames);
  }
  const resident = peakResident(server.pid);
  console.log(`server's memory: ${resident === null ? "not known" : `${Math.round(resident / 1e6)} MB`} at most`);
} finally {
  await browser.close();
  server.kill("SIGINT");
}
