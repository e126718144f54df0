/** How old the newest moment is that the page shows of a trace that is being written:
 *
 *     node benchmarks/browser/live.mjs growing.mlyze
 *
 * Milliseconds, looked at in every frame; so the greatest is what a person waits for at most to see what has happened. The first seconds,
 * in which the trace is opened, are left out. */

import { launch, tell } from "./chromium.mjs";
import { end, serve } from "./server.mjs";

const OPENING_MS = 4000;
const WATCHED_MS = 15_000;

const browser = await launch();
const { server, url } = await serve(process.argv[2]);
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(url);
  await page.waitForSelector(".spike-head");
  await page.waitForTimeout(OPENING_MS);
  const ageMs = await page.evaluate(async (watchedMs) => {
    const { traces } = await (await fetch("api/traces")).json();
    const startedMs = traces[0].start_time_unix_ns / 1e6;
    const timeline = document.querySelector(".timeline");
    const ages = [];
    const until = performance.now() + watchedMs;
    while (performance.now() < until) {
      await new Promise((done) => requestAnimationFrame(done));
      ages.push(performance.timeOrigin + performance.now() - startedMs - Number(timeline.getAttribute("aria-valuemax")) / 1e6);
    }
    return ages;
  }, WATCHED_MS);
  tell({ ageMs });
} finally {
  await browser.close();
  await end(server);
}
