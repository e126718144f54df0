import { expect, test } from "vitest";

import { chainGraph } from "./chains";

test("chains that begin alike share their beginning", () => {
  const chain = (text: string, share: number) => ({ text, share, root: "module" });
  const { roots, rows } = chainGraph([chain("app.CACHE → ['a'] → Session", 0.5), chain("app.CACHE → ['a'] → list", 0.25), chain("main() session", 0.25)]);
  expect(rows).toBe(3);
  expect(roots.map(({ text }) => text)).toEqual(["app.CACHE", "main() session"]);
  expect(roots[0]).toMatchObject({ share: 0.75, row: 0.5, depth: 0 });
  expect(roots[0]?.children[0]?.children.map(({ text }) => text)).toEqual(["Session", "list"]);
});
