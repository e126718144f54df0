import { describe, expect, test } from "vitest";

import type { Flamegraph } from "../data/forms";
import { byFrame } from "./byFrame";
import { barLabels, nodeFacts, nodeText, nodeTitle, stackText } from "./nodeText";
import { findMatches } from "./search";
import { ancestry, layOut, nodeAt, nodeOfPath, pathOf } from "./tree";

/** main → (load → parse, save); `parse` calls itself once. */
function form(changes: Partial<Flamegraph> = {}): Flamegraph {
  const frame = (name: string) => ({ function: name, file: `${name}.py`, line: 0, module: "app.run", language: "python" as const, origin: "program" });
  const exact = (value: number) => ({ value, error: 0 });
  return {
    mode: "allocated",
    from_ns: 0,
    to_ns: 1,
    at_ns: null,
    merge: "function",
    is_inverted: false,
    is_difference: false,
    total: exact(100),
    allocations: 6,
    samples: 6,
    has_too_few_samples: false,
    base_total: null,
    frames: ["main", "load", "parse", "save"].map(frame),
    nodes: {
      parent: [-1, 0, 1, 1, 2, 4],
      frame: [-1, 0, 1, 3, 2, 2],
      bytes: [100, 100, 60, 30, 50, 20],
      error: [0, 0, 0, 0, 0, 0],
      self_bytes: [0, 10, 10, 30, 30, 20],
      self_error: [9, 0, 0, 0, 3, 4],
      allocations: [6, 6, 3, 1, 2, 1],
      allocations_error: [0, 0, 0, 0, 0, 0],
      samples: [6, 6, 3, 1, 2, 1],
      fold: [-1, -1, -1, -1, -1, -1],
    },
    rows: {},
    omitted: { nodes: 0, bytes: 0 },
    ...changes,
  };
}

describe("layout", () => {
  const tree = layOut(form());

  test("children stand side by side below their parent", () => {
    expect([...tree.left]).toEqual([0, 0, 0, 0.6, 0, 0]);
    expect([...tree.width]).toEqual([1, 1, 0.6, 0.3, 0.5, 0.2]);
    expect([...tree.depth]).toEqual([0, 1, 2, 2, 3, 4]);
  });

  test("a place of the picture belongs to the node that is drawn there", () => {
    expect(nodeAt(tree, 0.7, 2)).toBe(3);
    expect(nodeAt(tree, 0.55, 3)).toBe(-1);
    expect(nodeAt(tree, 0.95, 2)).toBe(-1);
    expect(nodeAt(tree, 0.1, 4)).toBe(5);
  });

  test("a node is found again by its path in another answer", () => {
    const other = layOut(form({ nodes: { ...form().nodes, bytes: [90, 90, 20, 60, 10, 5] } }));
    expect(nodeOfPath(other, pathOf(tree, 4))).toBe(4);
    expect(nodeOfPath(other, "zzz")).toBe(0);
    expect(ancestry(tree, 5)).toEqual([0, 1, 2, 4, 5]);
  });
});

describe("folding", () => {
  const nodes = { ...form().nodes, fold: [-1, 1, 1, -1, 1, -1] }; // main, load and the outer parse are one row
  const folded = layOut(form({ nodes, rows: { 1: "3 frames of app" } }), new Set());

  test("a row stands for its frames, and has beneath it what any of them called", () => {
    expect(folded.folds.get(1)?.map(({ function: name }) => name)).toEqual(["main", "load", "parse"]);
    expect([...folded.shownAs]).toEqual([0, 1, 1, 3, 1, 5]);
    expect([1, 3, 5].map((node) => folded.depth[node])).toEqual([1, 2, 2]);
    expect(nodeAt(folded, 0.1, 2)).toBe(3);
    expect(nodeAt(folded, 0.35, 2)).toBe(5);
    expect(ancestry(folded, 5)).toEqual([0, 1, 5]);
    expect(nodeTitle(folded, 1)).toBe("3 frames of app");
  });

  test("copied is the whole stack, and found is what is folded", () => {
    expect(stackText(folded, 5)).toBe("main.py main\nload.py load\nparse.py parse\nparse.py parse");
    expect(findMatches(folded, "load")).toMatchObject({ nodes: 1, bytes: 60 });
    expect(findMatches(folded, "load")?.isMatch[1]).toBe(1);
  });

  test("what is unfolded is told by its path, which folding leaves as it is", () => {
    const unfolded = layOut(form({ nodes }), new Set([pathOf(folded, 1)]));
    expect(unfolded.folds.size).toBe(0);
    expect([...unfolded.depth]).toEqual([0, 1, 2, 2, 3, 4]);
    expect([...unfolded.path]).toEqual([...folded.path]);
    expect(nodeOfPath(folded, pathOf(folded, 4))).toBe(1);
  });
});

describe("difference", () => {
  test("what was freed keeps the width that it had", () => {
    const nodes = { ...form().nodes, parent: [-1, 0, 0], frame: [-1, 0, 1], bytes: [-20, 10, -30], self_bytes: [0, 10, -30], base_bytes: [40, 0, 40] };
    const tree = layOut(form({ is_difference: true, nodes }));
    expect([...tree.width]).toEqual([1, 0.2, 0.8]);
  });
});

describe("search", () => {
  const tree = layOut(form());

  test("a match within a match is not counted twice", () => {
    const matches = findMatches(tree, "PARSE");
    expect(matches?.nodes).toBe(2);
    expect(matches?.bytes).toBe(50);
  });

  test("a regular expression, and a broken one", () => {
    expect(findMatches(tree, "/^(load|save)$/")?.nodes).toBe(2);
    expect(findMatches(tree, "/(/")).toBeNull();
  });
});

test("the table counts a frame that calls itself once", () => {
  const rows = byFrame(layOut(form()));
  const parse = rows.find(({ frame }) => frame.function === "parse");
  expect(parse).toMatchObject({ self: { value: 50, error: 5 }, total: { value: 50 } });
  expect(rows[0]?.frame.function).toBe("main");
});

describe("modules", () => {
  const file = "/v/lib/python3.11/site-packages/django/http/response.py";
  const frames = form().frames.map((frame, index) => (index === 1 ? { ...frame, function: "<module>", file, line: 7 } : frame));
  const label = "<module> django/http/response.py";

  test.each([{}, { is_inverted: true }, { is_difference: true }])("are told apart on bars, in the path and to the reader: %o", (changes) => {
    const tree = layOut(form({ frames, ...changes }));
    expect(barLabels(tree, 2)[0]).toBe(label);
    expect(nodeTitle(tree, 2)).toBe(label);
    expect(nodeText(tree, 2)).toContain(`${label},`);
    expect(barLabels(tree, 3)).toEqual(["save"]);
  });

  test("have the line where bars are lines", () => {
    expect(barLabels(layOut(form({ frames, merge: "line" })), 2)[0]).toBe(`${label}:7`);
  });

  test("are told as the ends of what is folded", () => {
    const folded = layOut(form({ frames, nodes: { ...form().nodes, fold: [-1, 1, 1, -1, -1, -1] } }), new Set());
    expect(nodeFacts(folded, 1)).toContainEqual(["To", label]);
  });

  test("are found by what is written on the bar", () => {
    expect(findMatches(layOut(form({ frames })), "<module> django/http")).toMatchObject({ nodes: 1, bytes: 60 });
  });
});
