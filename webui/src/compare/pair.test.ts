import { expect, test } from "vitest";

import type { TraceEntry } from "../data/forms";
import { pairOf } from "./pair";

function entry(id: string, start: number, is_named: boolean, state: TraceEntry["state"] = "complete"): TraceEntry {
  return { id, name: id, path: id, file_bytes: 1, files: 1, modified_unix_ns: 0, state, error: null, revision: 1, command_line: "", start_time_unix_ns: start, is_named };
}

function ids(...chosen: Parameters<typeof pairOf>): (string | undefined)[] {
  const pair = pairOf(...chosen);
  return [pair?.before.id, pair?.after.id];
}

test("two traces are compared in the order of the command line, whichever began first and is shown", () => {
  for (const [first, second] of [[10, 20], [20, 10]] as const) {
    const traces = [entry("job", first, true), entry("web", second, true)];
    expect(ids(traces, "job")).toEqual(["job", "web"]);
    expect(ids(traces, "web")).toEqual(["job", "web"]);
  }
});

test("the traces of a folder, which are listed the newest first, are compared in the order of time", () => {
  const traces = [entry("c", 30, false), entry("b", 20, false), entry("a", 10, false)];
  expect(ids(traces, "c")).toEqual(["b", "c"]);
  expect(ids(traces, "a")).toEqual(["a", "b"]);
});

test("what was chosen is compared", () => {
  const traces = [entry("a", 1, true), entry("b", 2, true), entry("c", 3, true)];
  expect(ids(traces, "a", "c")).toEqual(["c", "a"]);
  expect(ids(traces, "a", "c", "b")).toEqual(["c", "b"]);
  expect(ids(traces, "a", "a")).toEqual(["a", "b"]);
  expect(ids(traces, "b", "b", "b")).toEqual(["b", "a"]);
  expect(ids(traces, "b", "gone", "gone")).toEqual(["a", "b"]);
});

test("one trace that can be read is not compared", () => {
  expect(pairOf([entry("a", 1, true), entry("b", 2, true, "bad")], "a")).toBeNull();
  expect(pairOf([], "")).toBeNull();
});
