import { expect, test } from "vitest";

import { estimateText, restsOnFew, shortFigure } from "./estimates";

test("a figure rests on few samples where its interval is as wide as that of nine", () => {
  const ofSamples = (count: number) => ({ value: count, error: 1.96 * Math.sqrt(count) });
  expect(restsOnFew(ofSamples(9))).toBe(true);
  expect(restsOnFew(ofSamples(10))).toBe(false);
  expect(restsOnFew({ value: 0, error: 0 })).toBe(false);
  expect(restsOnFew({ value: 0, error: 1 })).toBe(true);
  expect(restsOnFew({ value: -10, error: 1 })).toBe(false);
});

test("estimates are told with their error, or that samples are few", () => {
  const text = (value: number, error: number) => estimateText({ value, error });
  expect(text(2048, 0)).toBe("2.00 KiB");
  expect(text(2048, 204.8)).toBe("2.00 KiB ±10 %");
  expect(text(2048, 2000)).toBe("~2.00 KiB (few samples)");
  expect(text(0, 2000)).toBe("~0 B");
});

test("a figure alone says whether it rests on few samples", () => {
  expect(shortFigure({ value: 131072, error: 0 })).toBe("128 KiB");
  expect(shortFigure({ value: 131072, error: 13107 })).toBe("128 KiB");
  expect(shortFigure({ value: 131072, error: 131072 })).toBe("~128 KiB");
  expect(shortFigure({ value: 0, error: 2000 })).toBe("~0 B");
});
