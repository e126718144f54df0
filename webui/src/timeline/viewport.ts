/** Which part of the time line is visible: zooming, panning, and what to ask the source for. */

import type { TimeRange } from "../selection/selection";

/** Nothing finer than this is worth looking at: the clock of the recorder ticks about every millisecond. */
export const SHORTEST_NS = 2e6;

function fitted(fromNs: number, widthNs: number, durationNs: number): TimeRange | null {
  const width = Math.min(durationNs, Math.max(widthNs, Math.min(SHORTEST_NS, durationNs)));
  if (width >= durationNs) {
    return null;
  }
  const from = Math.min(Math.max(0, fromNs), durationNs - width);
  return { fromNs: from, toNs: from + width };
}

/** `visible` made `factor` times as wide, with the moment `aroundNs` where it was; null: everything. */
export function zoomed(visible: TimeRange, aroundNs: number, factor: number, durationNs: number): TimeRange | null {
  const width = visible.toNs - visible.fromNs;
  const share = (aroundNs - visible.fromNs) / width;
  const next = Math.max(width * factor, Math.min(SHORTEST_NS, durationNs));
  return fitted(aroundNs - share * next, next, durationNs);
}

/** `visible` moved by `byNs`, as far as there is something; null: everything. */
export function panned(visible: TimeRange, byNs: number, durationNs: number): TimeRange | null {
  return fitted(visible.fromNs + byNs, visible.toNs - visible.fromNs, durationNs);
}

/** `range` with a margin, so that it and what is beside it can be seen; null: everything. */
export function zoomedTo(range: TimeRange, durationNs: number): TimeRange | null {
  const width = range.toNs - range.fromNs;
  return fitted(range.fromNs - 0.25 * width, 1.5 * width, durationNs);
}

/** What to ask for so that `visible` can be moved about a little before more is needed; null: everything. */
export function withSurroundings(visible: TimeRange | null, durationNs: number): TimeRange | null {
  if (visible === null) {
    return null;
  }
  const width = visible.toNs - visible.fromNs;
  return {
    fromNs: Math.round(Math.max(0, visible.fromNs - width)),
    toNs: Math.round(Math.min(durationNs, visible.toNs + width)),
  };
}

/** `range` in order, within the recording, and at least one nanosecond long. */
export function ordered(aNs: number, bNs: number, durationNs: number): TimeRange {
  const clamp = (value: number) => Math.min(durationNs, Math.max(0, Math.round(value)));
  const [fromNs, toNs] = [clamp(Math.min(aNs, bNs)), clamp(Math.max(aNs, bNs))];
  return { fromNs, toNs: Math.max(toNs, fromNs + 1) };
}
