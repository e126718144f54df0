import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";

import { describeInBrowser, go, open, parametersOf, screenshot, settled } from "./helpers/page";

/** What a person sees: the text, and what is chosen in each control. */
async function stateOf(page: Page): Promise<unknown> {
  return page.evaluate(() => ({
    text: document.querySelector<HTMLElement>("main")?.innerText,
    controls: [...document.querySelectorAll<HTMLInputElement | HTMLSelectElement>("main input, main select")].map((control) =>
      control instanceof HTMLInputElement && control.type === "radio" ? control.checked : control.value,
    ),
  }));
}

async function rightEdge(element: Locator): Promise<number> {
  const box = await element.boundingBox();
  return box === null ? NaN : box.x + box.width;
}

describeInBrowser("views", () => {
  test("hotspots: grouped, filtered, sorted, and linked to the source", async () => {
    const { page, complaints } = await open("spikes", "#/hotspots");
    await settled(page);
    const rows = page.locator(".table tbody tr");
    expect(await rows.first().textContent()).toContain("build_spike");
    await page.getByRole("searchbox").fill("leak spikes.py");
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByRole("searchbox").fill("");
    await page.getByRole("button", { name: "Alive" }).click();
    await expect.poll(() => rows.first().textContent()).toContain("leak");
    await screenshot(page, "hotspots");
    await page.getByLabel("Group by").selectOption("file");
    await settled(page);
    await expect.poll(() => rows.first().textContent()).toContain("spikes.py");
    expect(complaints).toEqual([]);
  });

  test("a trace that is cut off at once is said to be, and nothing is claimed of its sampling", async () => {
    const { page, complaints } = await open("cut", "#/timeline");
    await settled(page);
    const said = () => page.locator("body").innerText();
    await expect.poll(said).toContain("No allocation was written before the trace was cut off");
    expect(await said()).not.toContain("--sample-rate");
    expect(await page.getByRole("figure").count()).toBe(0);
    await page.getByRole("link", { name: "Info" }).click();
    await settled(page);
    await expect.poll(said).toContain("Damaged: not all of it can be read");
    expect(await said()).not.toContain("every allocation");
    expect(complaints).toEqual([]);
  });

  test("the logo leads to the timeline of the same trace and selection", async () => {
    const { page } = await open("service", "#/hotspots?sort=live");
    await settled(page);
    const trace = parametersOf(page).get("trace");
    await page.getByRole("link", { name: "memlyze", exact: true }).click();
    await expect.poll(() => page.url()).toContain("#/timeline");
    expect(parametersOf(page).get("trace")).toBe(trace);
  });

  test("heat maps: both are drawn, have a table, and a cell selects its moment", async () => {
    const { page, complaints } = await open("service", "#/heatmap");
    await settled(page);
    await screenshot(page, "heatmap");
    await page.getByRole("button", { name: "Table" }).click();
    await expect.poll(() => page.getByRole("table").locator("tbody tr").count()).toBeGreaterThan(5);
    await page.getByRole("button", { name: "Table" }).click();
    await page.getByText("Size against lifetime").click();
    await settled(page);
    await screenshot(page, "heatmap-lifetimes");
    await page.getByText("Places over time").click();
    await settled(page);
    const map = page.getByRole("application");
    await map.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await expect.poll(() => parametersOf(page).get("range")).not.toBeNull();
    expect(complaints).toEqual([]);
  });

  test("leaks: what grows is named, with its evidence", async () => {
    const { page, complaints } = await open("service", "#/leaks");
    await settled(page);
    await expect.poll(() => page.locator(".leaks-head").textContent()).toMatch(/grows? without bound/);
    await expect.poll(() => page.locator(".suspect").textContent()).toContain("leaking_service.py");
    expect(await page.locator(".suspect").getByRole("img").first().getAttribute("aria-label")).toContain("Live bytes over time");
    await screenshot(page, "leaks");
    expect(complaints).toEqual([]);
  });

  test("leaks: who holds it is in sight at once, before the stack, and within the width of a phone", async () => {
    const { page } = await open("service", "#/leaks");
    await settled(page);
    const holders = page.getByRole("region", { name: "Who holds it" });
    const stack = page.locator(".suspect .stack");
    await expect.poll(() => holders.locator(".chain-list li").count()).toBeGreaterThan(0);
    const boxes = async () => [await holders.boundingBox(), await stack.boundingBox()] as const;
    const [inSight, below] = await boxes();
    expect((inSight?.y ?? NaN) + (inSight?.height ?? NaN)).toBeLessThan(800);
    expect((inSight?.y ?? NaN) + (inSight?.height ?? NaN)).toBeLessThan(below?.y ?? NaN);
    await page.setViewportSize({ width: 390, height: 844 });
    const [narrow, after] = await boxes();
    expect((narrow?.x ?? NaN) + (narrow?.width ?? NaN)).toBeLessThanOrEqual(390);
    expect((narrow?.y ?? NaN) + (narrow?.height ?? NaN)).toBeLessThan(after?.y ?? NaN);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await screenshot(page, "leaks-390");
  });

  test("leaks: what grew until the program let go of it is named first", async () => {
    const { page, complaints } = await open("let_go", "#/leaks");
    await settled(page);
    await expect.poll(() => page.locator(".leaks-head").textContent()).toMatch(/1 line grew until the program let go of it at .*a leak, if the program is meant to run on/);
    expect(await page.locator(".suspects summary").first().textContent()).toBe("Grew until it was freed 1");
    await expect.poll(() => page.locator(".suspect").textContent()).toMatch(/Grew until it was freed.*grow.*let_go\.py:11.*At its peak.*Freed at/);
    await screenshot(page, "leaks-let-go");
    expect(complaints).toEqual([]);
  });

  test("windows: names of routes are whole beside figures that have errors, also on a small screen", async () => {
    const { page } = await open("spikes", "#/timeline");
    await page.route("**/api/windows/names?*", async (route) => {
      const answer = (await (await route.fetch()).json()) as { names: Record<string, unknown>[] };
      const rough = { value: 196_000_000, error: 20_000_000 };
      const row = { ...answer.names[0], allocated: rough, live: rough, retained: rough, mean_allocated: rough, windows: 40_000, mean_duration_ns: 12_345_678 };
      const growth = { windows: 40, verdict: "unknown", bytes_per_window: { value: 0, error: 786_000 } };
      await route.fulfill({ json: { ...answer, names: ["GET /items/<int:number>", "DELETE /customers/{customer_id}/orders/{order_id}"].map((name) => ({ ...row, growth, name })) } });
    });
    await page.getByRole("link", { name: "Windows" }).click();
    const names = page.getByRole("table", { name: "Windows by name" }).locator("td.wide");
    await expect.poll(() => names.count()).toBe(2);
    for (const width of [1280, 1600]) {
      await page.setViewportSize({ width, height: 800 });
      for (const cell of await names.all()) {
        const cut = await cell.evaluate((element) => {
          const [room, text] = [element, element.querySelector("strong")].map((part) => part?.getBoundingClientRect());
          const name = element.querySelector(".windows-name");
          return (text?.right ?? NaN) > (room?.right ?? NaN) || (name !== null && name.scrollHeight > name.clientHeight);
        });
        expect(cut, `${await cell.textContent()} at ${width}`).toBe(false);
      }
      const [short] = await names.locator("strong").all();
      expect((await short?.boundingBox())?.height).toBeLessThan(25); // on one line
      await screenshot(page, `windows-names-${width}`);
    }
  });

  test("windows: by name, each as a dot, and one by itself", async () => {
    const { page, complaints } = await open("spikes", "#/windows");
    await settled(page);
    const names = page.getByRole("table", { name: "Windows by name" });
    await expect.poll(() => names.locator("tbody tr").count()).toBe(2);
    await names.getByRole("button", { name: /^spike/ }).click();
    await settled(page);
    await page.getByRole("table", { name: "Windows, one by one" }).getByRole("button").last().click();
    await settled(page);
    expect(await page.locator(".one-window").textContent()).toContain("28.6 MiB");
    expect(await page.locator(".one-window").textContent()).toContain("build_spike");
    // What is left behind comes first, and each title says what its figure is.
    const held = page.getByRole("table", { name: "Windows by name" }).locator("th", { hasText: "Held at the end" });
    expect(await held.getAttribute("aria-sort")).toBe("descending");
    expect(await held.getAttribute("title")).toContain("still held at the end");
    // What each leaves behind is told, and marked where it grows; 20 kB of every step.
    expect(await names.getByRole("row", { name: /^step/ }).locator(".windows-grows").textContent()).toMatch(/^(19|20)\.\d KiB/);
    expect(await names.getByRole("row", { name: /^spike/ }).locator(".windows-grows").count()).toBe(0);
    // Beside exact figures no room is kept for errors: they end where their bar does.
    expect(await rightEdge(names.locator(".estimate > :first-child").first())).toBeCloseTo(await rightEdge(names.locator(".bar-cell").first()), 0);
    await screenshot(page, "windows");
    expect(complaints).toEqual([]);
  });

  test("windows: what was allocated in none is told, and where to look for it", async () => {
    const { page } = await open("plateau", "#/windows");
    await settled(page);
    // Its one window holds nothing of the 80 MB.
    const outside = page.locator(".windows-outside");
    await expect.poll(() => outside.textContent()).toMatch(/In no window.*MiB.*(9\d|100) % of all.*Most was allocated outside/);
    await outside.getByRole("link", { name: "Hotspots" }).click();
    await settled(page);
    await expect.poll(() => page.locator(".table tbody tr").first().textContent()).toContain("hold_much");
  });

  test("what holds memory is a table too, with a column for each layer", async () => {
    const { page } = await open("spikes", "#/timeline?show=function&as=table");
    await settled(page);
    const table = page.getByRole("table", { name: "Memory over time, by what holds it" });
    await expect.poll(() => table.locator("thead").textContent()).toContain("build_spike");
    await expect.poll(() => table.locator("tbody").textContent()).toMatch(/2\d\.\d MiB/);
  });

  test("processes are lanes with their threads, and are told apart in the list of leaks", async () => {
    const { page } = await open("processes", "#/timeline");
    await settled(page);
    const box = await page.locator(".timeline").boundingBox();
    // The last lane is a child's; its name selects it.
    await page.mouse.click((box?.x ?? 0) + 30, (box?.y ?? 0) + (box?.height ?? 0) - 12);
    await expect.poll(() => parametersOf(page).get("process")).not.toBeNull();
    await settled(page);
    await expect.poll(() => page.locator(".spike .table tbody tr").first().textContent()).toContain("work_of_child");
    await screenshot(page, "timeline-processes");
  });

  test("a program that was over at once is told so in every view", async () => {
    const texts: Record<string, RegExp> = {
      timeline: /Nothing was recorded.*--sample-rate 1\.0/,
      flamegraph: /Nothing was allocated here/,
      heatmap: /Nothing was allocated here/,
      hotspots: /Nothing was allocated here/,
      source: /No (source|file)/i,
      leaks: /Nothing to judge.*--sample-interval/,
      windows: /The trace has no windows.*memlyze\.window/,
      info: /Precision/,
    };
    for (const [view, text] of Object.entries(texts)) {
      const { page, complaints } = await open("brief", `#/${view}`);
      await settled(page);
      await expect.poll(() => page.locator("main").textContent(), { message: view }).toMatch(text);
      expect(complaints).toEqual([]);
    }
  });

  test("what was set in a view is in its link", async () => {
    const places: [string, string, string][] = [
      ["spikes", "#/timeline?show=function&at=400000000&range=350000000-450000000", "button.is-quiet[aria-pressed]"],
      ["spikes", "#/flamegraph?mode=born_alive&merge=line&inverted=yes&search=leak", ""],
      ["service", "#/heatmap?map=time&by=file&measure=live", ""],
      ["service", "#/hotspots?by=file&sort=-allocated&filter=service", ""],
      ["service", "#/leaks", ".suspects li:nth-child(2) button"],
      ["spikes", "#/windows?windows_sort=-windows&name=step", ".one-window, .site-button[aria-pressed=false]"],
      ["spikes", "#/compare?base=plateau.mlyze&shown=graph&measure=allocated", ""],
      ["spikes", "#/source", ""],
    ];
    for (const [trace, hash, click] of places) {
      const { page } = await open(trace, hash);
      await settled(page);
      if (click !== "") {
        await page.locator(click).first().click();
        await settled(page);
      }
      // What was typed comes into the address a moment later.
      await expect.poll(() => page.url()).toContain("trace=");
      const shown = await stateOf(page);
      await page.reload();
      await settled(page);
      expect(await stateOf(page), hash).toEqual(shown);
    }
  });

  test("what was searched for in one view is not in the addresses of others, and is there when one goes back", async () => {
    const { page } = await open("spikes", "#/flamegraph?search=build_spike");
    await settled(page);
    const search = page.getByRole("searchbox", { name: "Search functions and files" });
    await page.getByRole("link", { name: "Windows" }).click();
    await settled(page);
    await page.getByRole("table", { name: "Windows by name" }).getByRole("button", { name: /^step/ }).click();
    expect(parametersOf(page).get("name")).not.toBeNull();
    expect(parametersOf(page).get("search")).toBeNull();
    await page.getByRole("link", { name: "Hotspots" }).first().click();
    await settled(page);
    expect(parametersOf(page).get("name")).toBeNull();
    await page.getByRole("link", { name: "Flame graph" }).click();
    await expect.poll(() => search.inputValue()).toBe("build_spike");
    expect(parametersOf(page).get("search")).toBe("build_spike");
    await page.goBack();
    await page.goBack();
    await settled(page);
    expect(parametersOf(page).get("name")).not.toBeNull();
    await page.goBack();
    await page.goBack();
    await expect.poll(() => search.inputValue()).toBe("build_spike");
  });

  test("compare: why a row is within chance though its interval excludes 0 is said above the rows", async () => {
    const { page } = await open("spikes", "#/timeline");
    const note = page.getByText("within chance though its ± leaves 0 out");
    let value = 50;
    await page.route("**/api/compare?*", async (route) => {
      const answer = (await (await route.fetch()).json()) as { rows: { figure: Record<string, unknown> }[] };
      const [row] = answer.rows;
      const figure = { ...row?.figure, change: { value: value * 1024, error: 100 * 1024 }, is_beyond_chance: false };
      await route.fulfill({ json: { ...answer, rows: [{ ...row, figure }] } });
    });
    await go(page, "#/compare?base=service.mlyze", "spikes.mlyze");
    const change = page.getByRole("table", { name: "Differences" }).locator(".change");
    await expect.poll(() => change.textContent()).toMatch(/\+50\.0 KiB ± 100 KiB within chance/);
    expect(await note.count()).toBe(0);
    value = 120;
    await page.reload();
    await expect.poll(() => change.textContent()).toMatch(/\+120 KiB ± 100 KiB within chance/);
    expect(await note.isVisible()).toBe(true);
    expect(await change.getAttribute("title")).toContain("many rows are compared");
    await screenshot(page, "compare-chance");
  });

  test("compare: two traces beside each other", async () => {
    const { page, complaints } = await open("spikes", "#/compare?base=service.mlyze");
    await expect.poll(() => page.getByRole("table", { name: "The two traces in all" }).locator("tbody tr").count()).toBe(7);
    await expect.poll(() => page.getByRole("table", { name: "Differences" }).locator("tbody tr").count()).toBeGreaterThan(1);
    // A place leads to the code of the trace that it is of.
    const place = page.getByRole("table", { name: "Differences" }).locator(".where a", { hasText: "leaking_service.py" }).first();
    expect(await place.getAttribute("href")).toMatch(/#\/source\?trace=service\.mlyze&.*leaking_service\.py/);
    // Figures are those of all lines of a function, and a script may be another file in each.
    const places = page.getByRole("table", { name: "Differences" }).locator(".where");
    expect((await places.allTextContents()).filter((text) => /:\d/.test(text))).toEqual([]);
    const script = page.getByRole("table", { name: "Differences" }).locator("tbody tr", { hasText: "<module>" }).filter({ hasText: "spikes.py" }).first();
    expect(await script.textContent()).toMatch(/spikes\.py.*before:.*leaking_service\.py/);
    // Compared with a trace that was sampled: what is exact here is not marked, and what is estimated has its error.
    const totals = page.getByRole("table", { name: "The two traces in all" });
    await expect.poll(() => totals.locator("tbody tr", { hasText: "Peak live memory" }).locator("td").last().textContent()).toContain("±");
    for (const name of ["Duration", "Time of the collector"]) {
      expect(await totals.locator("tbody tr", { hasText: name }).locator(".is-more, .is-less").count()).toBe(0);
    }
    const after = page.getByRole("table", { name: "Differences" }).locator("tbody tr td:nth-child(3)");
    expect((await after.allTextContents()).filter((text) => /few|±/.test(text))).toEqual([]);
    // The greatest: a comprehension in it may have a row, too.
    const spike = page.getByRole("table", { name: "Differences" }).locator("tbody tr", { hasText: "build_spike" }).first();
    expect(await spike.textContent()).not.toContain("few");
    await screenshot(page, "compare");
    expect(complaints).toEqual([]);
  });

  test("compare: the flame graph of both has the figures of each", async () => {
    const { page, complaints } = await open("spikes", "#/compare?base=plateau.mlyze&shown=graph&measure=allocated");
    await page.getByRole("searchbox").fill("build_spike");
    await expect.poll(() => page.locator(".flame-matches").textContent()).toContain("28.6 MiB");
    const graph = page.getByRole("application");
    await graph.focus();
    // What only the other trace has, 80 MB at once, is the greatest.
    for (let step = 0; step < 4; step += 1) {
      await page.keyboard.press("ArrowDown");
    }
    await expect.poll(() => page.locator(".frame-bar").textContent()).toMatch(/hold_much.*Change −.*Before/);
    await screenshot(page, "compare-graph");
    await page.getByText("Table", { exact: true }).click();
    const rows = page.getByRole("table").locator("tbody tr");
    await expect.poll(() => rows.filter({ hasText: /build_spike.*\+28\.6 MiB/ }).count()).toBeGreaterThan(0);
    await page.getByText("Figures", { exact: true }).click();
    await settled(page);
    await expect.poll(() => page.getByRole("table", { name: "Differences" }).locator("tbody tr").count()).toBeGreaterThan(1);
    expect(complaints).toEqual([]);
  });

  test("info: what was recorded, what is missing, what it cost", async () => {
    const { page } = await open("spikes", "#/info");
    await settled(page);
    const text = await page.locator(".info").textContent();
    expect(text).toContain("Every allocation: all figures are exact");
    expect(text).toContain("spikes.py");
    await screenshot(page, "info");
  });

  test("a file that is no trace says so, and another can be chosen", async () => {
    const { page } = await open("not-a-trace", "#/timeline");
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("cannot be read");
    await page.getByLabel("Trace").selectOption({ label: "spikes.mlyze" });
    await settled(page);
    await expect.poll(() => page.locator(".spike-head").count()).toBe(1);
  });

  test("the many notes about a damaged trace leave room for what is left of it", async () => {
    const { page } = await open("damaged", "#/timeline", { viewport: { width: 390, height: 844 } });
    await settled(page);
    const notes = page.locator(".notice");
    await expect.poll(() => notes.count()).toBeGreaterThan(4);
    expect((await page.locator(".notices").boundingBox())?.height).toBeLessThan(844 / 4);
    await notes.last().getByRole("button").click();
    const timeline = await page.locator(".timeline").boundingBox();
    expect((timeline?.y ?? 844) + 100).toBeLessThan(844);
    await screenshot(page, "damaged-390");
  });

  test("names that would do harm are shown, and do none", async () => {
    for (const view of ["hotspots", "flamegraph?shape=table", "heatmap", "timeline", "source", "sql?query=FROM frames"]) {
      const { page, complaints } = await open("hostile", `#/${view}`);
      await settled(page);
      expect(await page.evaluate(() => "harmed" in window)).toBe(false);
      expect(await page.locator("img, script:not([src])").count()).toBe(0);
      expect(complaints).toEqual([]);
    }
    const { page } = await open("hostile", "#/hotspots?by=line");
    await settled(page);
    expect(await page.locator(".table").textContent()).toContain("<img src=x onerror=window.harmed=1>");
    // Ten thousand characters do not make the page wider than the screen.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280);
    await screenshot(page, "hostile");
  });

  test("a link of a trace that is not served says so, rather than show another", async () => {
    const { page } = await open("spikes", "#/hotspots");
    await settled(page);
    await go(page, "#/hotspots?trace=elsewhere.mlyze&range=100-200");
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("elsewhere.mlyze is not served here");
    expect(await page.locator(".table").count()).toBe(0);
    await page.getByLabel("Trace").selectOption({ label: "spikes.mlyze" });
    await settled(page);
    await expect.poll(() => page.locator(".table").textContent()).toContain("build_spike");
    expect(parametersOf(page).get("range")).toBeNull();
  });

  test("a thread and a process that a trace does not have can be taken back", async () => {
    const { page } = await open("spikes", "#/hotspots?thread=77&process=99");
    // The small timeline says so, too.
    await expect.poll(() => page.getByRole("alert").first().textContent()).toMatch(/no (thread 77|process 99)/);
    for (const label of ["Thread", "Process"]) {
      await page.locator(`.selection-bar [aria-label=${label}]`).selectOption("");
    }
    await settled(page);
    await expect.poll(() => page.locator(".table").textContent()).toContain("build_spike");
  });

  test("an unknown place in the URL shows the timeline", async () => {
    const { page } = await open("spikes", "#/timeline");
    await go(page, "#/nowhere?range=x&at=soon");
    await settled(page);
    await expect.poll(() => page.locator(".timeline").count()).toBe(1);
  });
});
