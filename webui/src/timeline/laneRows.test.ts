import { expect, test } from "vitest";

import type { Info } from "../data/forms";
import { laneRows } from "./laneRows";

/** A program of processes with so many threads each. */
function infoOf(...threadCounts: number[]): Info {
  const processes = threadCounts.map((_, index) => ({ process_id: index + 1 }));
  const threads = threadCounts.flatMap((count, index) =>
    Array.from({ length: count }, (_, number) => ({ process_id: index + 1, thread_id: 100 * (index + 1) + number, name: `T${number}` })),
  );
  return { processes, threads, has: { collections: false, windows: false } } as unknown as Info;
}

function spansOf(info: Info): string[] {
  return laneRows(undefined, info)
    .rows.slice(1)
    .map(({ label }) => label);
}

test("each process is followed by its threads", () => {
  expect(spansOf(infoOf(2, 1))).toEqual(["PID 1", "T0", "T1", "PID 2"]);
});

test("many threads of one process leave room for the lanes of the others", () => {
  const spans = spansOf(infoOf(20, 1, 1));
  expect(spans.filter((label) => label.startsWith("PID"))).toEqual(["PID 1", "PID 2", "PID 3"]);
  expect(spans).toHaveLength(13);
  expect(spans.at(-1)).toBe("11 more");
});

test("more processes than there is room for are told by their number", () => {
  const spans = spansOf(infoOf(...Array<number>(15).fill(3)));
  expect(spans).toHaveLength(13);
  expect(spans.at(-1)).toBe("48 more");
});
