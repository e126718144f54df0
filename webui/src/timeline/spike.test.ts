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

/** Slow growth from nothing to 20, up to 99 at once, there for a while, down to 22. */
const PLATEAU = [...Array.from({ length: 110 }, (_, index) => (20 * index) / 109), 60, ...flat(44, 99), 55, ...flat(60, 22)];

test.each([110, 111, 112, 130, 153, 154, 155])("a click at %i, on the rise, the top or the fall of a plateau, selects all of it", (near) => {
  const spike = findSpike(PLATEAU, near, 3);
  expect(spike).toEqual({ from: 109, peak: 111, to: 157 });
});

test.each([20, 90, 100, 107, 108, 158, 159, 200])("a click at %i, before or after a plateau, selects nothing", (near) => {
  expect(findSpike(PLATEAU, near, 3)).toBeNull();
});

/** 2, up to 67 from bucket 27 to 35, and down again. */
const HILL = [...flat(27, 2), 9, 17, 25, 33, 41, 49, 57, 67, 45, 23, ...flat(63, 2)];

test.each([28, 30, 32, 34, 35, 36])("a click at %i, on a flank, finds the top", (near) => {
  expect(findSpike(HILL, near, 1)).toEqual({ from: 26, peak: 34, to: 38 });
});

test.each([5, 20, 25, 39, 80])("a click at %i, beside a spike, selects nothing", (near) => {
  expect(findSpike(HILL, near, 1)).toBeNull();
});

test("a click far along the level that a step has led to selects nothing", () => {
  const values = [...flat(40, 10), 50, 100, ...flat(60, 100)];
  expect(findSpike(values, 80, 2)).toBeNull();
});

test("a spike on memory that grows evenly ends at its own foot", () => {
  const values = Array.from({ length: 200 }, (_, index) => index / 2 + (index >= 120 && index < 130 ? 60 : 0));
  const spike = findSpike(values, 125, 3);
  expect(spike?.from).toBe(119);
  expect(spike?.peak).toBe(129);
});

test("the first that a spike allocates belongs to it, though it hardly stands above the ground", () => {
  const rise = Array.from({ length: 40 }, (_, index) => 10 + 2.25 * (index + 1));
  expect(findSpike([...flat(40, 10), ...rise, 60, 30, ...flat(60, 10)], 79, 3)?.from).toBe(39);
});
