import { expect, test } from "vitest";

import { chanceTitle, excludesZeroByChance } from "./chance";

const judged = (value: number, error: number, is_beyond_chance: boolean) => ({ change: { value, error }, is_beyond_chance });

test.each([
  [judged(1.12, 1.05, false), true],
  [judged(-1.12, 1.05, false), true],
  [judged(1.05, 1.05, false), false],
  [judged(1.12, 1.05, true), false],
  [judged(1, 0, false), false],
])("%j needs to be explained: %s", (figure, expected) => {
  expect(excludesZeroByChance(figure)).toBe(expected);
});

test("why it may be chance is told of what may be", () => {
  expect(chanceTitle(judged(1.12, 1.05, false))).toContain("many rows are compared");
  expect(chanceTitle(judged(1, 1.05, false))).toBe("It may be chance");
  expect(chanceTitle(judged(1.12, 1.05, true))).toBeUndefined();
  expect(chanceTitle(judged(0, 1.05, false))).toBeUndefined();
});
