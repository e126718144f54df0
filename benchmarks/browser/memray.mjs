/** How long a report of `memray flamegraph --temporal --no-web` takes, in the Chromium that measures our page:
 *
 *     node benchmarks/browser/memray.mjs report.html
 *
 * Milliseconds until the flame graph and the plot of its slider are drawn, and from the choice of a range to the new flame graph. */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { launch, tell } from "./chromium.mjs";

const OPENINGS = 3;
const RANGES = 10;
const DRAWN = () => document.querySelector("#chart svg rect") !== null && document.querySelector("#plot .main-svg") !== null;

const address = pathToFileURL(resolve(process.argv[2])).href;
const browser = await launch();
const figures = { drawnMs: [], rangeMs: [] };
try {
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const begun = performance.now();
    await page.goto(address, { waitUntil: "commit" });
    await page.waitForFunction(DRAWN, undefined, { timeout: 150_000, polling: "raf" });
    figures.drawnMs.push(performance.now() - begun);
    if (opening === OPENINGS - 1) {
      figures.rangeMs = await page.evaluate(async (count) => {
        const times = [];
        const loading = document.getElementById("loading");
        const [first, last] = [memory_records[0][0], memory_records[memory_records.length - 1][0]];
        for (let range = 0; range < count; range += 1) {
          const from = first + (last - first) * ((range * 0.618) % 0.8);
          const begun = performance.now();
          await new Promise((done) => {
            const observer = new MutationObserver(() => {
              if (loading.style.display === "none") {
                observer.disconnect();
                requestAnimationFrame(done);
              }
            });
            observer.observe(loading, { attributes: true });
            Plotly.relayout("plot", { "xaxis.range": [new Date(from), new Date(from + (last - first) * 0.2)] });
          });
          times.push(performance.now() - begun);
        }
        return times;
      }, RANGES);
    }
    await page.close();
  }
} finally {
  await browser.close();
}
tell(figures);
