import { expect, test } from "vitest";

import { formatSelection, NOTHING_SELECTED, parseSelection, type Selection } from "./selection";

const FULL: Selection = {
  view: "flamegraph",
  trace: "a/b c",
  range: { fromNs: 1200, toNs: 3400 },
  zoom: { fromNs: 0, toNs: 9000 },
  atNs: 3300,
  processId: 2,
  threadId: 5,
  windowId: 77,
  settings: { mode: "live", search: "a & b = <c>" },
};

test("a link shows the same thing", () => {
  expect(parseSelection(formatSelection(FULL))).toEqual(FULL);
});

test("what sets other views, or nothing, is not in a link", () => {
  expect(formatSelection({ ...FULL, view: "windows" })).not.toMatch(/search|mode/);
  expect(parseSelection("#/windows?nothing=1").settings).toEqual({});
});

test("nothing selected is the shortest link", () => {
  expect(formatSelection(NOTHING_SELECTED)).toBe("#/timeline");
  expect(parseSelection("")).toEqual(NOTHING_SELECTED);
});

test.each(["#/nowhere?range=9-3", "#/timeline?range=x-y&at=soon&thread=1e9", "#?zoom=5-5"])("what %s says wrongly is left out", (hash) => {
  expect(parseSelection(hash)).toEqual(NOTHING_SELECTED);
});
