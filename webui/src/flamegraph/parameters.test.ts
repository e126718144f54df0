import { expect, test } from "vitest";

import { NOTHING_SELECTED } from "../selection/selection";
import { flameParameters } from "./parameters";

const RANGE = { fromNs: 100, toNs: 200 };
const SHAPE = { merge: "function", isInverted: false } as const;

test("what is still alive is alive at the cursor only where that is after the range", () => {
  const at = (atNs: number) => flameParameters({ ...NOTHING_SELECTED, range: RANGE, atNs }, "t", { ...SHAPE, mode: "born_alive" });
  expect(at(150)).not.toHaveProperty("at_ns");
  expect(at(250)).toMatchObject({ from_ns: 100, to_ns: 200, at_ns: 250 });
});

test("a difference is that of the ends of the range", () => {
  expect(flameParameters({ ...NOTHING_SELECTED, range: RANGE }, "t", { ...SHAPE, mode: "difference" })).toMatchObject({ base_at_ns: 100, at_ns: 200 });
});

test("live knows a moment and no range", () => {
  const parameters = flameParameters({ ...NOTHING_SELECTED, range: RANGE, atNs: 150, threadId: 3 }, "t", { ...SHAPE, mode: "live" });
  expect(parameters).toMatchObject({ at_ns: 150, thread_id: 3 });
  expect(parameters).not.toHaveProperty("from_ns");
});
