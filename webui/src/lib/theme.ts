/** Light or dark, and the colours of the style sheet for those who draw on canvas. */

import { useSyncExternalStore } from "react";

export type ThemeChoice = "system" | "light" | "dark";

const KEY = "memlyze-theme";
const NAMES = [
  "page", "sunken", "raised", "hover", "line", "line-strong", "text", "text-2", "text-3", "accent", "accent-soft", "bad", "warn",
  "rss", "heap", "born", "alive", "gc", "more", "less", "program", "library", "standard-library", "runtime", "native",
] as const;

export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

/** Ten colours that can be told apart on both backgrounds, in the order in which they are given out. */
export const SERIES_COLOURS = [
  "#4c78d8", "#e8962e", "#2f9e8f", "#d9566f", "#8e63ce", "#5fa53c", "#c27ba0", "#b0893a", "#4aa8d0", "#8a8f9c",
] as const;

export function seriesColour(index: number): string {
  return SERIES_COLOURS[index % SERIES_COLOURS.length] ?? "#888";
}

const coloursByName = new Map<string, string>();

/** A colour that this name keeps, and shares with no other before all are given out. */
export function nameColour(name: string): string {
  const known = coloursByName.get(name) ?? seriesColour(coloursByName.size);
  coloursByName.set(name, known);
  return known;
}

const listeners = new Set<() => void>();
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

function stored(): ThemeChoice {
  try {
    const value = window.localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // storage is denied to the page
  }
}

let choice = stored();
let palette: Palette | null = null;

function apply(): void {
  if (choice === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = choice;
  }
  palette = null;
  for (const listener of listeners) {
    listener();
  }
}

export function chooseTheme(next: ThemeChoice): void {
  choice = next;
  try {
    window.localStorage.setItem(KEY, next);
  } catch {
    // Not remembered, then.
  }
  apply();
}

prefersDark.addEventListener("change", apply);
apply();

function readPalette(): Palette {
  // A probe: custom properties that say light-dark() are only resolved where they are used.
  const probe = document.createElement("span");
  document.body.append(probe);
  const colours = Object.fromEntries(
    NAMES.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    }),
  );
  probe.remove();
  return colours as Palette;
}

export function currentPalette(): Palette {
  palette ??= readPalette();
  return palette;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePalette(): Palette {
  return useSyncExternalStore(subscribe, currentPalette);
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(subscribe, () => choice);
}

/** A colour of the palette, which are all `rgb(…)`, made translucent. */
export function translucent(colour: string, alpha: number): string {
  if (colour.startsWith("#")) {
    return `${colour}${Math.round(alpha * 255).toString(16).padStart(2, "0")}`;
  }
  return colour.replace(/^rgb\(([^)]+)\)$/, `rgba($1, ${alpha})`);
}
