/** What the flame graph asks for, in each of its modes. */

import { aliveAt, selectionParameters, whose } from "../data/parameters";
import type { Takes } from "../data/source";
import type { Selection } from "../selection/selection";

export const FLAME_MODES = ["allocated", "live", "born_alive", "difference"] as const;
export type FlameMode = (typeof FLAME_MODES)[number];

export function flameParameters(
  selection: Selection,
  trace: string,
  settings: { mode: FlameMode; merge: "function" | "line"; isInverted: boolean },
): Takes<"flamegraph"> {
  const { mode, merge, isInverted } = settings;
  const { range, atNs } = selection;
  const shape = { mode, merge, inverted: isInverted };
  const moment = atNs === null ? {} : { at_ns: Math.round(atNs) };
  switch (mode) {
    case "allocated":
      return { ...shape, ...selectionParameters(selection, trace) };
    case "live":
      return { ...shape, trace, ...whose(selection), ...moment };
    case "born_alive":
      return { ...shape, ...selectionParameters(selection, trace), ...aliveAt(selection) };
    case "difference":
      // Of two moments: the ends of what was brushed.
      return {
        ...shape,
        trace,
        ...whose(selection),
        ...(range === null ? moment : { at_ns: Math.round(range.toNs) }),
        base_at_ns: Math.round(range?.fromNs ?? 0),
      };
  }
}
