import { expect, test } from "vitest";

import { chainGraph, containerText, containersText, foundText, longestTexts, type Holders } from "./chains";

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

const NOTHING: Holders = { time_ns: 0, objects: 0, blocks_without_object: 0, bytes: 0, retained_bytes: 0, types: [], shortest: null, chains: [], holder: null, shared_share: 0, containers: [], are_all_containers: false, freed_with_containers: 0 };

test("several objects that have the same are told, and whether there are more", () => {
  const containers = [
    { object_id: 1, objects: 1, text: "app.BY_ID", type: "dict", share: 1 },
    { object_id: 2, objects: 1, text: "app.BY_TIME", type: "list", share: 1 },
  ];
  const all = { ...NOTHING, containers, are_all_containers: true };
  expect(containersText(all)).toBe("2 at once: it stays until each of them lets go of it:");
  expect(containersText({ ...all, freed_with_containers: 2048 })).toMatch(/lets go of it, and then 2\.00 KiB would be freed:$/);
  expect(containersText({ ...all, containers: [...containers, { object_id: null, objects: 7, text: "app.topics → […] → deque", type: "deque", share: 0.4 }] })).toMatch(/^3 at once: what is in several stays/);
  expect(containersText({ ...NOTHING, containers })).toMatch(/at once, and others; as far as/);
  expect(containersText({ ...all, containers: containers.slice(0, 1) })).toBeNull();
});

test("that several hold what a line allocated is told where they are not known", () => {
  expect(containersText({ ...NOTHING, shared_share: 0.98 })).toBe("Several objects hold it at once: 98 % of it stays if only one of them lets go.");
  expect(containersText({ ...NOTHING, shared_share: 0.2 })).toBeNull();
  const holder = { text: "app.CACHE", type: "dict", retained_bytes: 1, share: 1 };
  expect(containersText({ ...NOTHING, shared_share: 0.98, holder })).toBeNull();
});

test("objects that are alike are told together", () => {
  expect(containerText({ object_id: null, objects: 7, text: "app.topics → […] → deque", type: "deque", share: 0.4 })).toBe("app.topics → […] → deque (7 of these)");
  expect(containerText({ object_id: 3, objects: 1, text: "app.CACHE", type: "dict", share: 1 })).toBe("app.CACHE");
});

test("what a checkpoint found is told in sentences, with and without objects", () => {
  const text = (found: Partial<Holders>) => foundText({ ...NOTHING, ...found });
  expect(text({})).toBe("No Python object was found of it.");
  expect(text({ blocks_without_object: 1 })).toBe("No Python object, but 1 block of C code, which Python objects may own: they do not say so.");
  const found = { objects: 3, bytes: 2048, retained_bytes: 4096, types: [{ type: "dict", objects: 3, bytes: 2048 }] };
  expect(text(found)).toBe("3 recorded objects, 2.00 KiB (3 dict); freeing them would free 4.00 KiB.");
  expect(text({ ...found, blocks_without_object: 2 })).toMatch(/free 4\.00 KiB of Python objects, and what C code has for them\. Beside them 2 blocks of C code, which/);
  expect(text({ ...found, objects: 1 })).toMatch(/freeing it would/);
});
