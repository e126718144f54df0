import { expect, test } from "vitest";
import { unlikeTexts } from "./unlike";

const RAN = { program: "main.py", python_version: "3.11.7" };

test("recordings of one program and one Python are comparable", () => {
  expect(unlikeTexts({ before: RAN, after: { ...RAN, python_version: "3.11.9" } })).toEqual([]);
  expect(unlikeTexts({ before: RAN, after: { program: "", python_version: "" } })).toEqual([]);
});

test("another program and another Python are told", () => {
  expect(unlikeTexts({ before: RAN, after: { program: "-m worker", python_version: "3.14.0" } })).toEqual([
    "These are recordings of different programs, main.py and -m worker.",
    "They ran on Python 3.11 and 3.14: the same objects differ in size.",
  ]);
});
