import { expect, test } from "vitest";

import { cellText } from "./cells";

test("units follow from the name of a column", () => {
  expect(cellText({ name: "live_bytes", type: "DOUBLE" }, 1536, true)).toBe("1.50 KiB");
  expect(cellText({ name: "time_ns", type: "BIGINT" }, 4_560_000_000, true)).toBe("4.56 s");
  expect(cellText({ name: "line", type: "BIGINT" }, 1536, true)).toBe("1536");
  expect(cellText({ name: "live_bytes", type: "DOUBLE" }, 1536, false)).toBe("1536");
  expect(cellText({ name: "name", type: "VARCHAR" }, null, true)).toBe("NULL");
});
