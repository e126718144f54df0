import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";

import { App } from "./App";
import { COMMANDS } from "./commands";

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean;
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true;

let root: Root;

beforeEach(() => {
  const container = document.createElement("div");
  document.body.replaceChildren(container);
  root = createRoot(container);
  act(() => root.render(<App />));
});

afterEach(() => {
  act(() => root.unmount());
});

test("the page says what memlyze is", () => {
  expect(document.querySelector("h1")?.textContent).toBe("memlyze");
  expect(document.body.textContent).toContain("memory of a Python program");
});

test("the page shows every command that works today", () => {
  const shown = [...document.querySelectorAll("dd code")].map((code) => code.textContent);
  expect(shown).toEqual(COMMANDS.map(({ line }) => line));
});

test("the page says where the timeline will be found", () => {
  expect(document.querySelector("[aria-labelledby=later]")?.textContent).toContain("memlyze serve");
});
