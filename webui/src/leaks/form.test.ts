import { expect, test } from "vitest";

import { countUnder, foremost, headingOf, isOfSuccessors, isPart, processesText, type LeakSite, type Verdict } from "./form";

function site(verdict: Verdict, live: number, peak = live): LeakSite {
  return { verdict, live_bytes: { value: live, error: 0 }, peak_bytes: { value: peak, error: 0 } } as LeakSite;
}

test("what grows is shown first, however little it is", () => {
  const growing = site("growing", 1);
  expect(foremost([growing, site("too_few_samples", 9), site("bounded", 99)])).toBe(growing);
});

test("where nothing grows, the line with most live is shown first, not one with too few samples", () => {
  const bounded = site("bounded", 99);
  expect(foremost([site("too_few_samples", 9), site("sawtooth", 0, 500), bounded])).toBe(bounded);
});

test("where nothing is live at the end, the line that had most is shown first", () => {
  const freed = site("freed_late", 0, 500);
  expect(foremost([site("too_few_samples", 0, 9), freed])).toBe(freed);
  expect(foremost([])).toBeUndefined();
});

test("lines of one leak are parts of the line above, others are not", () => {
  const part = (leak: number) => ({ ...site("growing", 1), leak });
  const [first, second, other] = [part(1), part(1), part(2)];
  const bounded = { ...site("bounded", 1), leak: null };
  expect(isPart(second, first)).toBe(true);
  expect(isPart(other, second)).toBe(false);
  expect(isPart(first, undefined)).toBe(false);
  expect(isPart(bounded, bounded)).toBe(false);
});

test("what grew until it was freed has a heading of its own, and comes before what was merely freed", () => {
  const freed = site("freed_late", 0, 900);
  const grew = { ...site("freed_late", 0, 500), grew_until_freed: true };
  expect([freed, grew].map(headingOf)).toEqual(["freed_late", "grew_until_freed"]);
  expect(foremost([site("bounded", 99), freed, grew])).toBe(grew);
  const growth = { sites: 1, peak_bytes: grew.peak_bytes, growth_bytes_per_second: grew.peak_bytes, first_freed_ns: 5, last_freed_ns: 5 };
  const counts = { judged: { freed_late: 3 }, grew_until_freed: growth };
  expect(countUnder("freed_late", counts)).toBe(2);
  expect(countUnder("grew_until_freed", counts)).toBe(1);
});

test("of processes that followed each other it is said how many there were at once", () => {
  const workers = { process_ids: [4, 5, 6], processes_at_once: 3 };
  expect([processesText(workers), isOfSuccessors(workers)]).toEqual(["in 3 processes", false]);
  const replaced = { process_ids: [4, 5, 6], processes_at_once: 2 };
  expect([processesText(replaced), isOfSuccessors(replaced)]).toEqual(["in 3 processes, 2 at once", true]);
  expect(processesText({ process_ids: [4], processes_at_once: 1 })).toBe("PID 4");
});
