import { describe, expect, test } from "vitest";

import { formatBytes, formatBytesChange, formatCount, formatDuration, formatError, formatMoment, formatShare, plural } from "./units";

describe("bytes", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "0.98 KiB"],
    [1536, "1.50 KiB"],
    [230 * 1024 ** 2, "230 MiB"],
    [-5 * 1024 ** 2, "−5.00 MiB"],
  ])("%d is %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test("a change has its sign", () => {
    expect(formatBytesChange(2048)).toBe("+2.00 KiB");
    expect(formatBytesChange(-2048)).toBe("−2.00 KiB");
  });
});

test.each([
  [0, "0 s"],
  [850, "850 ns"],
  [12_300_000, "12.3 ms"],
  [4_560_000_000, "4.56 s"],
  [125e9, "2 min 05 s"],
  [3720e9, "1 h 02 min"],
])("a duration of %d ns is %s", (duration, text) => expect(formatDuration(duration)).toBe(text));

test("a moment is as precise as what is around it", () => {
  expect(formatMoment(1_250_000_000, 1e9)).toBe("1 s");
  expect(formatMoment(1_250_000_000, 1e7)).toBe("1.25 s");
  expect(formatMoment(4_500_000, 1e5)).toBe("4.5 ms");
  expect(formatMoment(4_500_000, 1e8)).toBe("0.0 s");
  expect(formatMoment(65_500_000_000, 1e8)).toBe("1:05.5");
  expect(formatMoment(3_665e9, 1e9)).toBe("1:01:05");
});

test("the error of an exact figure is not mentioned", () => {
  expect(formatError({ value: 100, error: 0 })).toBe("");
  expect(formatError({ value: 100, error: 4.2 })).toBe("±4 %");
  expect(formatError({ value: 1e6, error: 400 })).toBe("±<0.1 %");
  expect(formatError({ value: 0, error: 3 })).toBe("±?");
});

test("counts and shares", () => {
  expect(formatCount(12_345)).toBe("12.3 k");
  expect(formatShare(0.0004)).toBe("<0.1 %");
  expect(formatShare(0.125)).toBe("13 %");
  expect(plural(1, "sample")).toBe("1 sample");
  expect(plural(2, "sample")).toBe("2 samples");
});
