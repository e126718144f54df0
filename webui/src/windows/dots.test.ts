import { expect, test } from "vitest";

import { dotAt, dotsOf, nextOf, radiusOf, readable } from "./dots";

const NAMES = ["GET", "GET", "POST", "GET"];
const POSITIONS = [[100, 50], [101, 50], [100, 50], [300, 50]] as const;

test("windows of one name at one place are one dot, and none is lost", () => {
  const dots = dotsOf(NAMES, POSITIONS);
  expect(dots.map(({ name, members }) => [name, members])).toEqual([["GET", [0, 1]], ["POST", [2]], ["GET", [3]]]);
  expect(dots[0]?.x).toBe(100.5);
});

test("more windows make a larger dot, up to a bound", () => {
  const sizes = [1, 10, 1000, 1e6].map((count) => radiusOf({ x: 0, y: 0, name: "", members: { length: count } as number[] }));
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  expect(sizes.at(-1)).toBeLessThanOrEqual(15);
});

test("dots with a number stand beside each other", () => {
  const names = ["GET", "POST"].flatMap((name) => Array.from({ length: 100 }, () => name));
  const [first, second] = dotsOf(names, names.map(() => [100, 50] as const));
  expect(first && second && second.x - first.x).toBeCloseTo(first ? 2 * radiusOf(first) : 0);
});

test("where two numbers would lie on each other, that of the greater dot is written", () => {
  const dot = (x: number, count: number) => ({ x, y: 50, name: "GET", members: Array.from({ length: count }, (_, index) => index) });
  expect(readable([dot(100, 300), dot(108, 200), dot(140, 100), dot(200, 1)]).map(({ x }) => x)).toEqual([100, 140]);
});

test("the nearest dot is found within reach, and each of its windows by clicking again", () => {
  const dots = dotsOf(NAMES, POSITIONS);
  expect(dotAt(dots, 304, 50, 10)?.members).toEqual([3]);
  expect(dotAt(dots, 200, 50, 10)).toBeNull();
  // Two dots hold this place: the smaller, which is drawn on top.
  expect(dotAt(dots, 100, 50, 10)?.name).toBe("POST");
  const [both] = dots;
  expect(both && [nextOf(both, -1), nextOf(both, 0), nextOf(both, 1)]).toEqual([0, 1, 0]);
});
