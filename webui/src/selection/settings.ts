/** Which views are set by which setting: an address names those of its own view alone. */

import type { View } from "./selection";

const TREES = ["flamegraph", "compare"] as const;

const VIEWS_OF_SETTING = {
  show: ["timeline"],
  site: ["timeline"],
  as: ["timeline", "heatmap"],
  mode: ["flamegraph"],
  merge: ["flamegraph"],
  inverted: TREES,
  shape: TREES,
  search: TREES,
  frame: TREES,
  unfold: TREES,
  map: ["heatmap"],
  by: ["heatmap", "hotspots"],
  measure: ["heatmap", "compare"],
  filter: ["hotspots"],
  sort: ["hotspots"],
  file: ["source"],
  line: ["source"],
  source_as: ["source"],
  suspect: ["leaks"],
  name: ["windows"],
  windows_sort: ["windows"],
  base: ["compare"],
  after: ["compare"],
  shown: ["compare"],
  query: ["sql"],
  result: ["sql"],
  units: ["sql"],
} as const satisfies Record<string, readonly View[]>;

export type SettingName = keyof typeof VIEWS_OF_SETTING;

/** Settings by name: `mode`, `search`, `file`, … */
export type Settings = Readonly<Partial<Record<SettingName, string>>>;

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(VIEWS_OF_SETTING, name);
}

function isUsed(name: SettingName, view: View, settings: Settings): boolean {
  const views: readonly View[] = VIEWS_OF_SETTING[name];
  // Figures are compared without a tree.
  const hasNoTree = view === "compare" && settings.shown !== "graph";
  return views.includes(view) && !(hasNoTree && views === TREES);
}

function chosen(settings: Settings, isChosen: (name: SettingName) => boolean): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => isSettingName(name) && isChosen(name)));
}

/** The settings that do something in this view. */
export function settingsOf(view: View, settings: Settings): Settings {
  return chosen(settings, (name) => isUsed(name, view, settings));
}

/** The settings after an address was gone to: its own, and of the other views, of which it says nothing, those that were before. */
export function settingsAfter(view: View, before: Settings, named: Settings): Settings {
  return { ...chosen(before, (name) => !isUsed(name, view, named)), ...named };
}
