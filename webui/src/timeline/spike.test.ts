import { expect, test } from "vitest";

import { findSpike } from "./spike";

const flat = (count: number, value: number) => Array.from({ length: count }, () => value);

test("a click beside the top finds the whole spike", () => {
  const values = [...flat(40, 10), 20, 60, 100, 70, 30, ...flat(40, 10)];
  expect(findSpike(values, 44, 3)).toEqual({ from: 39, peak: 42, to: 46 });
});

test("noise on the way up does not cut the spike short", () => {
  const values = [...flat(40, 10), 30, 28, 60, 58, 100, 50, 52, ...flat(40, 11)];
  const spike = findSpike(values, 44, 2);
  expect(spike?.from).toBe(39);
  expect(spike?.to).toBeGreaterThan(46);
});

test("a plateau that is not quite even belongs to its spike", () => {
  const values = [...flat(40, 10), 60, 99.99, 99.98, 99.995, 100, 99.99, 99.999, ...flat(40, 10)];
  expect(findSpike(values, 43, 3)).toEqual({ from: 39, peak: 44, to: 48 });
});

test("a step has a rise, and ends at its top", () => {
  const values = [...flat(40, 10), 50, 100, ...flat(40, 100)];
  expect(findSpike(values, 41, 2)).toEqual({ from: 39, peak: 41, to: 42 });
});

test("the spike that was clicked is taken, not its greater neighbour", () => {
  const values = [...flat(20, 10), 50, ...flat(20, 10), 100, ...flat(20, 10)];
  expect(findSpike(values, 20, 4)?.peak).toBe(20);
});

test("steady growth is no spike", () => {
  expect(findSpike(Array.from({ length: 100 }, (_, index) => index), 80, 3)).toBeNull();
});

test("flat memory has no spike", () => {
  expect(findSpike(flat(100, 7), 50, 3)).toBeNull();
  expect(findSpike([], 0, 3)).toBeNull();
});
