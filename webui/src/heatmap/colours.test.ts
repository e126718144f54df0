import { expect, test } from "vitest";

import { heatColour, heatScale } from "./colours";

test("the greatest has the strongest colour, nothing has none", () => {
  expect(heatColour(100, 100, false)).toBe(heatScale(false).at(-1));
  expect(heatColour(1e-9, 100, true)).toBe(heatScale(true)[0]);
  expect(heatColour(0, 100, false)).toBeNull();
});
