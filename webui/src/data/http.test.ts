import { expect, test } from "vitest";

import { addressOf } from "./http";

test("parameters go into the path and the query, those that are not given nowhere", () => {
  expect(addressOf("windows/{window_id}", { window_id: 7, trace: "a&b", buckets: undefined })).toBe("api/windows/7?trace=a%26b");
  expect(addressOf("timeline", { from_ns: 1.6 })).toBe("api/timeline?from_ns=2");
});
