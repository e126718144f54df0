import { expect, test } from "vitest";

import { cumulative, filled, layerRows, residentLayers, spikeValues } from "./series";

test("memory is as before where the clock did not tick", () => {
  expect(filled([null, 3, null, null, 5])).toEqual([3, 3, 3, 3, 5]);
  expect(filled([null, null])).toEqual([0, 0]);
});

test("layers stand on each other", () => {
  expect(cumulative([{ label: "a", bytes: [1, 2] }, { label: "b", bytes: [10, 20] }])).toEqual([[1, 2], [11, 22]]);
});

test("the last snapshot holds until the next, and small categories are summed up", () => {
  const category = (name: string, bytes: number[]) => ({ category: name, label: name, resident_bytes: bytes, reserved_bytes: bytes });
  const resident = { time_ns: [0, 100], categories: [category("a", [9, 8]), category("b", [3, 4]), category("c", [1, 2])] };
  const layers = residentLayers(resident, [0, 50, 100, 150], 2);
  expect(layers).toEqual([
    { label: "a", bytes: [9, 9, 8, 8] },
    { label: "All else", bytes: [4, 4, 6, 6] },
  ]);
});

test("a rise begins when the allocations were made, not when the clock next ticked", () => {
  const timeline = { heap_live: { min: [1, null, null, 9, 2], max: [1, null, null, 12, 2], error: [] }, live_bytes: [1, 1, 6, 2, 2] };
  expect(spikeValues(timeline, false)).toEqual([1, 1, 6, 12, 2]);
  expect(spikeValues(timeline, true)).toEqual([1, 1, 6, 2, 2]);
});

test("a table of layers has moments evenly apart, each with its errors", () => {
  const rows = layerRows([10, 20, 30, 40], [{ label: "a", bytes: [1, 2, 3, 4], error: [0, 0, 1, 0] }], 2);
  expect(rows).toEqual([
    { fromNs: 10, values: [{ value: 1, error: 0 }] },
    { fromNs: 30, values: [{ value: 3, error: 1 }] },
  ]);
});
