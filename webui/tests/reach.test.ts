/** Who can use the page: on a small screen, with the keyboard alone, with a screen reader, light and dark. */

import AxeBuilder from "@axe-core/playwright";
import { devices } from "playwright-core";
import { expect, test } from "vitest";

import { VIEWS } from "../src/selection/selection";
import { describeInBrowser, open, parametersOf, screenshot, settled } from "./helpers/page";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, userAgent: devices["iPhone 14"]?.userAgent ?? "" };

describeInBrowser("reach", () => {
  test.each(VIEWS)("axe finds nothing in %s, light or dark", async (view) => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await open("service", `#/${view}`, { colorScheme });
      await settled(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`)).toEqual([]);
      if (colorScheme === "dark") {
        await screenshot(page, `${view}-dark`);
      }
    }
  });

  test.each(VIEWS)("%s fits on 390 pixels", async (view) => {
    const { page, complaints } = await open("service", `#/${view}`, PHONE);
    await settled(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    // Views scroll, the page does not: below it there is nothing to see.
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBe(844);
    for (const link of await page.locator(".nav a").all()) {
      const box = await link.boundingBox();
      expect((box?.x ?? 390) + (box?.width ?? 390)).toBeLessThanOrEqual(390);
      expect((box?.y ?? 844) + (box?.height ?? 844)).toBeLessThanOrEqual(844);
    }
    // Nothing of a toolbar lies beyond the edge, where only a stranger who scrolls sideways would find it.
    const toolbars = page.locator(".toolbar, .selection-bar, .flame-bar");
    expect(await toolbars.evaluateAll((bars) => bars.filter((bar) => bar.scrollWidth > bar.clientWidth).map(({ className }) => className))).toEqual([]);
    await screenshot(page, `${view}-390`);
    expect(complaints).toEqual([]);
  });

  test("a tap selects, a long press brushes, two fingers zoom", async () => {
    const { page } = await open("spikes", "#/timeline", PHONE);
    await settled(page);
    const box = await page.locator(".timeline").boundingBox();
    const [x, y] = [(box?.x ?? 0) + 200, (box?.y ?? 0) + 100];
    await page.touchscreen.tap(x, y);
    await expect.poll(() => parametersOf(page).get("at")).not.toBeNull();

    const session = await page.context().newCDPSession(page);
    const touch = (type: string, ...points: [number, number][]) =>
      session.send("Input.dispatchTouchEvent", { type: type as "touchStart", touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })) });
    await touch("touchStart", [x - 60, y]);
    await page.waitForFunction(() => document.querySelector(".chip.is-set")?.textContent?.includes("–"));
    await touch("touchMove", [x + 40, y]);
    await touch("touchEnd");
    await expect.poll(() => parametersOf(page).get("range")).not.toBeNull();

    await touch("touchStart", [x - 20, y], [x + 20, y]);
    await touch("touchMove", [x - 60, y], [x + 60, y]);
    await touch("touchEnd");
    await expect.poll(() => parametersOf(page).get("zoom")).not.toBeNull();
  });

  test("everything can be done with the keyboard alone", async () => {
    const { page } = await open("spikes", "#/timeline");
    await settled(page);
    const tabTo = async (selector: string) => {
      for (let presses = 0; presses < 60; presses += 1) {
        if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) {
          return;
        }
        await page.keyboard.press("Tab");
      }
      throw new Error(`Tab never came to ${selector}`);
    };
    await tabTo(".timeline");
    // To the greatest peak of the heap, and what was born there.
    await page.keyboard.press("Home");
    await page.keyboard.press("n");
    await page.keyboard.press("Enter");
    await expect.poll(() => parametersOf(page).get("range")).not.toBeNull();
    await settled(page);
    await expect.poll(() => page.locator(".spike .table tbody tr").first().textContent()).toContain("build_spike");
    await page.keyboard.press("+");
    await expect.poll(() => parametersOf(page).get("zoom")).not.toBeNull();
    await page.keyboard.press("Shift+ArrowRight");
    expect(await page.locator(".timeline").getAttribute("aria-valuetext")).toMatch(/Resident .*Live heap/);
    // What is selected now may be the end of the spike, in which nothing was born.
    await page.keyboard.press("Home");
    await page.keyboard.press("n");
    await page.keyboard.press("Enter");
    await settled(page);
    await expect.poll(() => page.locator(".spike .table tbody tr").first().textContent()).toContain("build_spike");

    await tabTo(".site-button");
    await page.keyboard.press("Enter");
    await tabTo(".excerpt figcaption a");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.url()).toContain("#/source");
    await tabTo(".nav a[href*='leaks']");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.url()).toContain("#/leaks");
  });

  test.each(VIEWS)("Tab goes through %s and out of it again, and the focus is seen", async (view) => {
    const { page } = await open("service", `#/${view}`);
    await settled(page);
    await page.reload();
    await settled(page);
    const unseen: string[] = [];
    let steps = 0;
    for (; steps < 300; steps += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) {
          return null;
        }
        const isMarked = [element, element.closest(".segments label")].some((marked) => marked !== null && getComputedStyle(marked).outlineStyle !== "none");
        const { top, bottom, left, right } = element.getBoundingClientRect();
        const isOnScreen = bottom > 0 && top < window.innerHeight && right > 0 && left < window.innerWidth;
        return { isSeen: isMarked && isOnScreen, html: element.outerHTML.slice(0, 120) };
      });
      if (focused === null) {
        break;
      }
      if (!focused.isSeen) {
        unseen.push(focused.html);
      }
    }
    expect(unseen).toEqual([]);
    expect(steps).toBeGreaterThan(VIEWS.length);
    expect(steps, "Tab comes out at the end").toBeLessThan(300);
  });

  test.each(VIEWS)("nothing jumps while %s is loaded", async (view) => {
    const { page } = await open("service", `#/${view}${view === "compare" ? "?base=spikes.mlyze" : ""}`);
    await page.reload();
    await settled(page);
    const shift = await page.evaluate(
      () =>
        new Promise<number>((done) => {
          let sum = 0;
          const observer = new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) {
              sum += (entry as unknown as { value: number }).value;
            }
          });
          observer.observe({ type: "layout-shift", buffered: true });
          // What is buffered is delivered before the next frame but one.
          requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
        }),
    );
    expect(shift).toBeLessThan(0.02);
  });
});
