import { expect, test } from "vitest";

import { foremost, type LeakSite, type Verdict } from "./form";

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
