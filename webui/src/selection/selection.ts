/** What is selected on the page, and how it is written into the URL.
 *
 *     #/flamegraph?trace=ab12&range=1200-3400&at=3400&thread=2&mode=live
 *
 * What is as it is at first is left out, so the shortest link is `#/timeline`; and so is what sets other views alone. */

import { isSettingName, settingsOf, type Settings } from "./settings";

export const VIEWS = [
  "timeline",
  "flamegraph",
  "heatmap",
  "hotspots",
  "source",
  "leaks",
  "windows",
  "compare",
  "sql",
  "info",
] as const;

export type View = (typeof VIEWS)[number];

/** Part of the time line, in nanoseconds since the start of the trace; the end is not included. */
export interface TimeRange {
  readonly fromNs: number;
  readonly toNs: number;
}

export interface Selection {
  readonly view: View;
  /** Identifier of the trace; null: the first. */
  readonly trace: string | null;
  /** What was brushed; null: everything. */
  readonly range: TimeRange | null;
  /** What the timeline shows; null: everything. */
  readonly zoom: TimeRange | null;
  /** The moment of the cursor; null: the end. */
  readonly atNs: number | null;
  readonly processId: number | null;
  readonly threadId: number | null;
  readonly windowId: number | null;
  /** How the views are set: all of them, so that each is as it was when one goes back to it. */
  readonly settings: Settings;
}

export const NOTHING_SELECTED: Selection = {
  view: "timeline",
  trace: null,
  range: null,
  zoom: null,
  atNs: null,
  processId: null,
  threadId: null,
  windowId: null,
  settings: {},
};

function parseNumber(text: string | null): number | null {
  return text !== null && /^-?\d{1,19}$/.test(text) ? Number(text) : null;
}

function parseRange(text: string | null): TimeRange | null {
  const match = /^(\d{1,19})-(\d{1,19})$/.exec(text ?? "");
  if (match === null) {
    return null;
  }
  const [fromNs, toNs] = [Number(match[1]), Number(match[2])];
  return fromNs < toNs ? { fromNs, toNs } : null;
}

/** What a URL's hash says; what it says wrongly is as if it were not there. */
export function parseSelection(hash: string): Selection {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const values = new URLSearchParams(query);
  const settings: Settings = Object.fromEntries([...values].filter(([name]) => isSettingName(name)));
  return {
    view: VIEWS.find((view) => view === path) ?? "timeline",
    trace: values.get("trace"),
    range: parseRange(values.get("range")),
    zoom: parseRange(values.get("zoom")),
    atNs: parseNumber(values.get("at")),
    processId: parseNumber(values.get("process")),
    threadId: parseNumber(values.get("thread")),
    windowId: parseNumber(values.get("window")),
    settings,
  };
}

function formatRange(range: TimeRange): string {
  return `${Math.round(range.fromNs)}-${Math.round(range.toNs)}`;
}

/** The hash that `parseSelection` reads back as the same selection, without what sets other views. */
export function formatSelection(selection: Selection): string {
  const values = new URLSearchParams();
  const set = (name: string, value: string | number | null) => {
    if (value !== null) {
      values.set(name, String(value));
    }
  };
  set("trace", selection.trace);
  set("range", selection.range && formatRange(selection.range));
  set("zoom", selection.zoom && formatRange(selection.zoom));
  set("at", selection.atNs === null ? null : Math.round(selection.atNs));
  set("process", selection.processId);
  set("thread", selection.threadId);
  set("window", selection.windowId);
  for (const [name, value] of Object.entries(settingsOf(selection.view, selection.settings))) {
    set(name, value);
  }
  const query = values.toString();
  return `#/${selection.view}${query ? `?${query}` : ""}`;
}
