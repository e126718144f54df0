import { expect, test } from "vitest";

import { byteStep, ticks, timeStep } from "./scales";

test("ticks are round and few", () => {
  expect(timeStep(1.9e9, 5)).toBe(500e6);
  expect(byteStep(96 * 1024 ** 2, 4)).toBe(32 * 1024 ** 2);
  expect(ticks(0, 1.9e9, 500e6)).toEqual([0, 500e6, 1e9, 1.5e9]);
});
