import { expect, test } from "vitest";

import { chainGraph, longestTexts } from "./chains";

test("chains that begin alike share their beginning", () => {
  const chain = (text: string, share: number) => ({ text, share, root: "module" });
  const { roots, rows } = chainGraph([chain("app.CACHE → ['a'] → Session", 0.5), chain("app.CACHE → ['a'] → list", 0.25), chain("main() session", 0.25)]);
  expect(rows).toBe(3);
  expect(roots.map(({ text }) => text)).toEqual(["app.CACHE", "main() session"]);
  expect(roots[0]).toMatchObject({ share: 0.75, row: 0.5, depth: 0 });
  expect(roots[0]?.children[0]?.children.map(({ text }) => text)).toEqual(["Session", "list"]);
});

test("each depth is as wide as its longest text", () => {
  const { roots } = chainGraph(["main → cache → [1]", "main → a", "other"].map((text) => ({ text, share: 0.3, root: "module" })));
  expect(longestTexts(roots)).toEqual([5, 5, 3]);
});
