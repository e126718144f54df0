import { expect, test } from "vitest";

import { ordered, panned, SHORTEST_NS, withSurroundings, zoomed, zoomedTo } from "./viewport";

const DURATION = 100e9;
const ALL = { fromNs: 0, toNs: DURATION };

test("the moment under the pointer stays where it is", () => {
  const zoom = zoomed(ALL, 25e9, 0.5, DURATION);
  expect(zoom).toEqual({ fromNs: 12.5e9, toNs: 62.5e9 });
});

test("zooming out beyond everything shows everything", () => {
  expect(zoomed({ fromNs: 1e9, toNs: 90e9 }, 5e9, 3, DURATION)).toBeNull();
});

test("zooming in has an end", () => {
  const zoom = zoomed({ fromNs: 0, toNs: 3e6 }, 1e6, 0.01, DURATION);
  expect((zoom?.toNs ?? 0) - (zoom?.fromNs ?? 0)).toBe(SHORTEST_NS);
});

test("a recording shorter than the shortest zoom is shown whole", () => {
  expect(zoomed({ fromNs: 0, toNs: 1e6 }, 5e5, 0.5, 1e6)).toBeNull();
});

test("panning stops at both ends", () => {
  expect(panned({ fromNs: 10e9, toNs: 20e9 }, -50e9, DURATION)).toEqual({ fromNs: 0, toNs: 10e9 });
  expect(panned({ fromNs: 10e9, toNs: 20e9 }, 500e9, DURATION)).toEqual({ fromNs: 90e9, toNs: DURATION });
});

test("a selection is zoomed to with a margin", () => {
  expect(zoomedTo({ fromNs: 40e9, toNs: 44e9 }, DURATION)).toEqual({ fromNs: 39e9, toNs: 45e9 });
});

test("what is beside the picture is asked for too", () => {
  expect(withSurroundings({ fromNs: 10e9, toNs: 30e9 }, DURATION)).toEqual({ fromNs: 0, toNs: 50e9 });
  expect(withSurroundings(null, DURATION)).toBeNull();
});

test("a brush to the left is the same as one to the right", () => {
  expect(ordered(30e9, 10e9, DURATION)).toEqual(ordered(10e9, 30e9, DURATION));
  expect(ordered(-5, 1e12, DURATION)).toEqual(ALL);
});
