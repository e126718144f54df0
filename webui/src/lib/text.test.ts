import { expect, test } from "vitest";

import { frameLabel, frameLabels, placeLabel, placeLabels, shortFunction, shortPath, shortPlace, visible, visibleCode } from "./text";

test("control characters and marks of direction lose their effect", () => {
  expect(visible("a\u0000b\u001bc")).toBe("a␀b␛c");
  expect(visible("evil\u202egpj.py")).toBe("evil�gpj.py");
});

test("a name of ten thousand characters is cut", () => {
  expect(visible("x".repeat(10_000))).toHaveLength(300);
});

test("tabs in code stay tabs", () => {
  expect(visibleCode("\tif x:\u0007")).toBe("\tif x:␇");
});

test("a path is told by its end", () => {
  expect(shortPath("/usr/lib/python3/json/decoder.py")).toBe("json/decoder.py");
  expect(shortPath("app.py")).toBe("app.py");
  expect(shortPath("/srv/app/run/../worker.py")).toBe("app/worker.py");
});

test("what was allocated without Python code is told in words", () => {
  expect(shortFunction("<unknown>")).toBe("(no Python code)");
  expect(shortFunction("<several functions>")).toBe("several functions");
  expect(placeLabel("<unknown>", { function: null, file: null, line: null })).toBe("(no Python code)");
  expect(placeLabel("load", { function: "Service.<locals>.load", file: "/srv/app.py", line: 3 })).toBe("Service.load:3");
  expect(placeLabel("<unknown>", { function: "<unknown>", file: "<unknown>", line: null })).toBe("(no Python code)");
  expect(placeLabel("app.py:20", { function: "<module>", file: "/srv/app.py", line: 20 })).toBe("<module> app.py:20");
});

test("a place is a file and a line, as far as there are such", () => {
  expect(shortPlace("/srv/shop/app/views.py", 31)).toBe("app/views.py:31");
  expect(shortPlace("app.py", null)).toBe("app.py");
  expect(shortPlace("app.py", 0)).toBe("app.py");
  expect(shortPlace("<unknown>", 0)).toBe("");
  expect(shortPlace("<several files>", 0)).toBe("of several files");
});

test("places of one name and line are told apart by their files", () => {
  const place = (name: string, file: string, line: number | null) => ({ label: name, place: { function: name, file, line } });
  const places = [
    place("main", "/srv/shop/app.py", 7),
    place("main", "/srv/shop/jobs.py", 7),
    place("main", "/srv/shop/app.py", 9),
    place("<module>", "/lib/json/__init__.py", 1),
    place("<module>", "/lib/email/__init__.py", 1),
    place("<module>", "/lib/re.py", 1),
  ];
  expect(placeLabels(places)).toEqual([
    "main app.py:7",
    "main jobs.py:7",
    "main:9",
    "<module> json/__init__.py:1",
    "<module> email/__init__.py:1",
    "<module> re.py:1",
  ]);
});

test("a frame without a name of its own is told by its file, any other by its name", () => {
  const frame = (name: string, file: string) => ({ function: name, file });
  expect(frameLabels(frame("<module>", "/v/lib/python3.11/site-packages/django/http/response.py"))).toEqual([
    "<module> django/http/response.py",
    "<module> response.py",
    "response.py",
  ]);
  expect(frameLabels(frame("<module>", "/v/lib/python3.11/site-packages/django/db/__init__.py")).slice(1)).toEqual(["<module> db/__init__.py", "db/__init__.py"]);
  expect(frameLabels(frame("<lambda>", "/srv/shop/store/audit.py"))).toEqual(["<lambda> store/audit.py", "<lambda> audit.py"]);
  expect(frameLabel(frame("<listcomp>", "C:\\Python311\\Lib\\site-packages\\six.py"))).toBe("<listcomp> six.py");
  expect(frameLabel(frame("<genexpr>", "/usr/lib/python3.11/json/decoder.py"))).toBe("<genexpr> json/decoder.py");
  expect(frameLabels(frame("<unknown>", "<unknown>"))).toEqual(["(no Python code)"]);
  expect(frameLabels(frame("Node.<locals>.render.<listcomp>", "/srv/app.py"))).toEqual(["Node.render.<listcomp>"]);
  expect(frameLabels(frame("load", "/srv/app.py"))).toEqual(["load"]);
});
