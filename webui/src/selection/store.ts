/** The one selection that all views share, kept in the URL so that a link shows the same thing. */

import { useSyncExternalStore } from "react";

import { formatSelection, parseSelection, type Selection } from "./selection";
import { settingsAfter, type SettingName } from "./settings";

type Change = Partial<Omit<Selection, "settings">> & {
  /** Merged into the settings; null takes one out. */
  readonly settings?: Readonly<Partial<Record<SettingName, string | null>>>;
};

/** A change of the URL makes browsers refuse more after some hundred, and look up the page's icon each time, which delays a frame: it is
 * written when a movement has come to rest. */
const URL_REST_MS = 250;

let current = parseSelection(window.location.hash);
let pendingWrite: number | undefined;
const listeners = new Set<() => void>();

function publish(next: Selection): void {
  current = next;
  for (const listener of listeners) {
    listener();
  }
}

function writeUrl(): void {
  window.clearTimeout(pendingWrite);
  pendingWrite = undefined;
  const hash = formatSelection(current);
  if (hash !== window.location.hash) {
    window.history.replaceState(null, "", hash);
  }
}

window.addEventListener("hashchange", () => {
  window.clearTimeout(pendingWrite);
  const next = parseSelection(window.location.hash);
  publish({ ...next, settings: settingsAfter(next.view, current.settings, next.settings) });
});
window.addEventListener("pagehide", writeUrl);

export function currentSelection(): Selection {
  return current;
}

export function subscribeToSelection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function merged({ settings, ...change }: Change): Selection {
  const kept = Object.entries({ ...current.settings, ...settings }).filter(([, value]) => value !== null);
  return { ...current, ...change, settings: Object.fromEntries(kept) };
}

/** Change the selection as part of a movement (a brush, a zoom): the URL follows when it has come to rest. */
export function adjustSelection(change: Change): void {
  publish(merged(change));
  window.clearTimeout(pendingWrite);
  pendingWrite = window.setTimeout(writeUrl, URL_REST_MS);
}

/** Change the selection by a decision: the browser's back button leads to what was before. */
export function select(change: Change): void {
  writeUrl();
  publish(merged(change));
  const hash = formatSelection(current);
  if (hash !== window.location.hash) {
    window.history.pushState(null, "", hash);
  }
}

/** The link that would make this change. */
export function linkTo(change: Change): string {
  return formatSelection(merged(change));
}

export function useSelection(): Selection;
export function useSelection<T>(pick: (selection: Selection) => T): T;
export function useSelection<T>(pick?: (selection: Selection) => T): T | Selection {
  return useSyncExternalStore(subscribeToSelection, () => (pick ? pick(current) : current));
}

/** One setting of a view, and how to change it. A value that is not among `allowed` is as if it were absent. */
export function useSetting<T extends string>(name: SettingName, fallback: T, allowed?: readonly T[]): [T, (value: T) => void] {
  const value = useSelection((selection) => selection.settings[name]);
  const known = value !== undefined && (allowed === undefined || allowed.includes(value as T));
  return [known ? (value as T) : fallback, (next: T) => select({ settings: { [name]: next === fallback ? null : next } })];
}

/** A setting that is typed: the URL follows a little later, and going back does not go from letter to letter. */
export function useTypedSetting(name: SettingName): [string, (value: string) => void] {
  const value = useSelection((selection) => selection.settings[name]) ?? "";
  return [value, (next: string) => adjustSelection({ settings: { [name]: next === "" ? null : next } })];
}
