import { expect, test, vi } from "vitest";

import type { Timeline } from "../data/forms";
import type { Palette } from "../lib/theme";
import { memoryModel, residentModel } from "./model";
import { momentFacts } from "./moment";
import { cumulative, filled, isAboveResident, layerRows, residentLayers, spikeValues, summaryRows } from "./series";

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

vi.mock("../lib/theme", () => ({ seriesColour: () => "", translucent: () => "" }));
const palette = new Proxy({}, { get: () => "#123456" }) as Palette;

/** 35 bytes are live for a moment of the second bucket only. */
function spiky(): Timeline {
  const none = [0, 0, 0];
  return {
    from_ns: 0,
    to_ns: 30,
    bucket_ns: 10,
    start_ns: [0, 10, 20],
    rss: { min: [50, null, 60], max: [50, null, 60] },
    heap_live: { min: [1, 2, 2], max: [5, 35, 4], error: none },
    tracer_bytes: none,
    allocated_bytes: [5, 33, 2],
    allocated_error: none,
    freed_bytes: [3, 33, 2],
    freed_error: none,
    live_bytes: [2, 2, 2],
    live_error: none,
    allocations: [1, 1, 1],
    peaks: [],
  };
}

test("a spike that is over within a bucket is found, drawn and told", () => {
  expect(spikeValues(spiky())).toEqual([5, 35, 4]);
  expect(summaryRows(spiky()).map(({ heap }) => heap)).toEqual([5, 35, 4]);
  for (const isFiltered of [false, true]) {
    const [greatest, least] = memoryModel(spiky(), palette, isFiltered).series.slice(isFiltered ? 0 : 2);
    expect([greatest?.label, greatest?.column, least?.column]).toEqual(["Live heap", [5, 35, 4], [1, 2, 2]]);
  }
});

test("where more is live than resident is told, not where nothing was read", () => {
  const timeline = (live: number, rss: number | null) => ({
    heap_live: { min: [0, live], max: [0, live], error: [0, 0] },
    rss: { min: [0, rss], max: [0, rss] },
  });
  expect(isAboveResident(timeline(9, 8))).toBe(true);
  expect(isAboveResident(timeline(8, 8))).toBe(false);
  expect(isAboveResident(timeline(9, null))).toBe(false);
});

test("a table of layers has the greatest moment of each part of the time, with its errors", () => {
  const layers = [
    { label: "a", bytes: [1, 9, 3, 0], error: [0, 2, 1, 0] },
    { label: "b", bytes: [2, 0, 0, 2] },
  ];
  expect(layerRows([10, 20, 30, 40], layers, 2)).toEqual([
    { fromNs: 20, values: [{ value: 9, error: 2 }, { value: 0, error: 0 }] },
    { fromNs: 30, values: [{ value: 3, error: 1 }, { value: 0, error: 0 }] },
  ]);
});

test("the resident memory of a process ends with it, and a moment is told what its bucket shows", () => {
  const timeline: Timeline = { ...spiky(), rss: { min: [50, 60, null], max: [50, 60, null] } };
  const resident = { time_ns: [0, 16], categories: [{ category: "code", label: "Code", resident_bytes: [60, 0], reserved_bytes: [60, 0] }] };
  const model = residentModel(timeline, resident, palette);
  expect(model.series.map(({ column }) => column)).toEqual([[60, 60, 0], [50, 60, null]]);
  const memory = { timeline, model, lanes: undefined, mode: "resident", isFiltered: false, isStale: false, error: null } as const;
  expect(momentFacts(memory, 19)).toEqual([["Resident", "60 B"], ["Code", "60 B"]]);
});
