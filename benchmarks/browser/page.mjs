/** What a person waits for on the page of `memlyze serve`, measured in headless Chromium:
 *
 *     node benchmarks/browser/page.mjs trace.mlyze
 *
 * Milliseconds until the page is usable, from a brush to the flame graphs and the tables, of the frames of panning and zooming; and the
 * server's memory. The browser runs before the command is given, as a person's does. */

import { readFileSync } from "node:fs";

import { launch, tell } from "./chromium.mjs";
import { end, serve } from "./server.mjs";

const OPENINGS = 5;
const BRUSHES = 50;
const FRAMES = 240;
const USABLE = ".spike-head, .message strong";
const BRUSHED = {
  timeline: "#/timeline?",
  flamegraph: "#/flamegraph?",
  inverted: "#/flamegraph?inverted=yes&",
  hotspots: "#/hotspots?",
};

/** The most memory that a process has had resident, in bytes; null where the system does not tell. */
function peakResident(processId) {
  try {
    const match = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${processId}/status`, "utf8"));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}

/** Milliseconds from the command to a page that can be used, and bytes that it loaded. */
async function timeOpening(browser, trace) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  let firstLoadBytes = 0;
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (firstLoadBytes += encodedDataLength));
  await page.addInitScript((usable) => {
    const look = () =>
      document.querySelector(usable) === null ? requestAnimationFrame(look) : requestAnimationFrame((time) => (window.usableAt = performance.timeOrigin + time));
    requestAnimationFrame(look);
  }, USABLE);
  const begun = performance.timeOrigin + performance.now();
  const { server, url } = await serve(trace);
  try {
    await page.goto(url);
    // Playwright looks at longer and longer intervals: the page itself notes the frame.
    const usableAt = await (await page.waitForFunction(() => window.usableAt)).jsonValue();
    await page.waitForTimeout(200);
    return { usableMs: usableAt - begun, firstLoadBytes };
  } finally {
    await context.close();
    await end(server);
  }
}

/** Milliseconds of each of many brushes, until nothing is on its way and the picture is drawn. */
async function timeBrushes(page, prefix, durationNs) {
  return page.evaluate(
    async ({ count, duration, start }) => {
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      const settle = async (hash) => {
        const begun = performance.now();
        location.hash = hash;
        await frame();
        do {
          await frame();
        } while (window.inFlight > 0 || document.querySelector(".progress.is-active"));
        return performance.now() - begun;
      };
      await settle(start);
      const times = [];
      for (let brush = 0; brush < count; brush += 1) {
        const from = Math.round(duration * ((brush * 0.618) % 0.8));
        const to = from + Math.round(duration * (0.02 + 0.18 * ((brush * 0.377) % 1)));
        times.push(await settle(`${start}range=${from}-${to}`));
      }
      return times;
    },
    { count: BRUSHES, duration: durationNs, start: prefix },
  );
}

/** Counts the requests that are on their way, of any page that is opened. */
async function watchRequests(page) {
  await page.addInitScript(() => {
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
  });
}

/** While a wheel turns over the timeline: milliseconds between frames, and of the page's own work for each, until it has been painted. */
async function timeFrames(page, [deltaX, deltaY]) {
  return page.evaluate(
    async ({ count, sideways, down }) => {
      const element = document.querySelector(".timeline");
      const box = element.getBoundingClientRect();
      const turn = (x, y) => {
        const place = { clientX: box.left + 500, clientY: box.top + 100 };
        element.dispatchEvent(new WheelEvent("wheel", { ...place, deltaX: x, deltaY: y, cancelable: true, bubbles: true }));
      };
      const channel = new MessageChannel();
      /** When the next frame begins, and when it has been painted. */
      const nextFrame = () =>
        new Promise((done) => {
          requestAnimationFrame(() => {
            const begins = performance.now();
            channel.port1.onmessage = () => done({ begins, isPainted: performance.now() });
            channel.port2.postMessage(null);
          });
        });
      turn(0, -900); // or there would be nothing to pan to
      const between = [];
      const work = [];
      let last = await nextFrame();
      for (let frame = 0; frame < count; frame += 1) {
        const sign = Math.floor(frame / 20) % 2 === 0 ? 1 : -1;
        const coming = nextFrame(); // begins before what is drawn in it
        const begun = performance.now();
        turn(sideways * sign, down * sign);
        const turned = performance.now() - begun;
        const now = await coming;
        between.push(now.begins - last.begins);
        work.push(turned + now.isPainted - now.begins);
        last = now;
      }
      return { between, work };
    },
    { count: FRAMES, sideways: deltaX, down: deltaY },
  );
}

async function timeMovements(browser, url) {
  const page = await open(browser, url);
  await page.waitForTimeout(1000);
  return { zoom: await timeFrames(page, [0, -30]), pan: await timeFrames(page, [40, 0]) };
}

async function open(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await watchRequests(page);
  await page.goto(url);
  await page.waitForSelector(USABLE);
  return page;
}

const trace = process.argv[2];
const browser = await launch();
const openings = [];
for (let opening = 0; opening < OPENINGS; opening += 1) {
  openings.push(await timeOpening(browser, trace));
}
const figures = { usableMs: openings.map(({ usableMs }) => usableMs), firstLoadBytes: openings[0].firstLoadBytes, brushMs: {}, frameMs: {} };
const { server, url } = await serve(trace);
try {
  const page = await open(browser, url);
  const durationNs = Number(await page.locator(".timeline").getAttribute("aria-valuemax"));
  for (const [name, prefix] of Object.entries(BRUSHED)) {
    figures.brushMs[name] = await timeBrushes(page, prefix, durationNs);
  }
  await page.close();
  figures.frameMs.paced = await timeMovements(browser, url);
  const unpaced = await launch({ isPaced: false });
  figures.frameMs.unpaced = await timeMovements(unpaced, url);
  await unpaced.close();
  figures.serverBytes = peakResident(server.pid);
} finally {
  await browser.close();
  await end(server);
}
tell(figures);
