import { expect, test } from "vitest";

import { settingsAfter, settingsOf } from "./settings";

test("an address has what its view is set by", () => {
  const settings = { search: "parse", frame: "1a", by: "file", sort: "-live" };
  expect(settingsOf("flamegraph", settings)).toEqual({ search: "parse", frame: "1a" });
  expect(settingsOf("hotspots", settings)).toEqual({ by: "file", sort: "-live" });
  expect(settingsOf("heatmap", settings)).toEqual({ by: "file" });
  expect(settingsOf("windows", settings)).toEqual({});
});

test("where figures are compared, what sets the graph is left out", () => {
  expect(settingsOf("compare", { search: "parse", base: "a" })).toEqual({ base: "a" });
  expect(settingsOf("compare", { search: "parse", base: "a", shown: "graph" })).toEqual({ search: "parse", base: "a", shown: "graph" });
});

test("what sets other views is kept, and what sets this one is as the address says", () => {
  const before = { search: "parse", by: "file", sort: "-live" };
  expect(settingsAfter("windows", before, {})).toEqual(before);
  expect(settingsAfter("hotspots", before, { by: "module" })).toEqual({ search: "parse", by: "module" });
});
