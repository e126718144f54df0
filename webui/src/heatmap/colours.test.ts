import { expect, test } from "vitest";

import { heatColour, heatScale, leastOfScale } from "./colours";

test("the greatest has the strongest colour, nothing has none", () => {
  expect(heatColour(100, 100, false)).toBe(heatScale(false).at(-1));
  expect(heatColour(1e-9, 100, true)).toBe(heatScale(true)[0]);
  expect(heatColour(0, 100, false)).toBeNull();
});

test("the scale says from where on a colour is not the least", () => {
  expect(heatColour(leastOfScale(100) * 0.99, 100, false)).toBe(heatScale(false)[0]);
  expect(heatColour(leastOfScale(100) * 1.01, 100, false)).toBe(heatScale(false)[1]);
});
