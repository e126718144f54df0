/** The keys of the time line. */

import type { KeyboardEvent } from "react";

import type { Timeline } from "../data/forms";
import type { TimeRange } from "../selection/selection";
import { adjustSelection, currentSelection, select } from "../selection/store";
import { ordered, panned, zoomed, zoomedTo } from "./viewport";

export const KEY_HELP =
  "Arrow keys move the cursor, with Shift they brush. Enter selects the spike at the cursor. Plus and minus zoom, " +
  "A and D move the picture, Z zooms to the selection, 0 shows everything. N and P go to the next and the previous peak. Escape clears.";

const STEP = 0.01;
const LARGE_STEP = 0.1;

export interface KeyContext {
  readonly durationNs: number;
  readonly visible: TimeRange;
  readonly peaks: Timeline["peaks"];
  selectSpikeAt(timeNs: number): void;
}

export function onTimelineKey(event: KeyboardEvent, context: KeyContext): void {
  const { durationNs, visible, peaks } = context;
  const { atNs, range } = currentSelection();
  const width = visible.toNs - visible.fromNs;
  const at = atNs ?? visible.fromNs + width / 2;
  const clamp = (timeNs: number) => Math.round(Math.min(durationNs, Math.max(0, timeNs)));

  const moveTo = (timeNs: number) => {
    const next = clamp(timeNs);
    const follows = next < visible.fromNs || next > visible.toNs;
    const zoom = follows ? panned(visible, next - (visible.fromNs + width / 2), durationNs) : currentSelection().zoom;
    if (!event.shiftKey || event.key.length === 1) {
      adjustSelection({ atNs: next, zoom });
      return;
    }
    const anchor = range === null ? at : Math.abs(at - range.fromNs) < Math.abs(at - range.toNs) ? range.toNs : range.fromNs;
    adjustSelection({ atNs: next, zoom, range: ordered(anchor, next, durationNs) });
  };
  const step = width * (event.ctrlKey || event.altKey ? LARGE_STEP : STEP);
  const moments = peaks.map(({ time_ns }) => time_ns).sort((a, b) => a - b);

  const actions: Record<string, () => void> = {
    ArrowLeft: () => moveTo(at - step),
    ArrowRight: () => moveTo(at + step),
    PageUp: () => moveTo(at - width * LARGE_STEP),
    PageDown: () => moveTo(at + width * LARGE_STEP),
    Home: () => moveTo(0),
    End: () => moveTo(durationNs),
    Enter: () => context.selectSpikeAt(at),
    Escape: () => select({ range: null, atNs: null }),
    "+": () => adjustSelection({ zoom: zoomed(visible, at, 0.7, durationNs) }),
    "=": () => adjustSelection({ zoom: zoomed(visible, at, 0.7, durationNs) }),
    "-": () => adjustSelection({ zoom: zoomed(visible, at, 1 / 0.7, durationNs) }),
    a: () => adjustSelection({ zoom: panned(visible, -width * LARGE_STEP, durationNs) }),
    d: () => adjustSelection({ zoom: panned(visible, width * LARGE_STEP, durationNs) }),
    z: () => range && adjustSelection({ zoom: zoomedTo(range, durationNs) }),
    "0": () => adjustSelection({ zoom: null }),
    n: () => moveTo(moments.find((time) => time > at + 1) ?? at),
    p: () => moveTo([...moments].reverse().find((time) => time < at - 1) ?? at),
  };
  const action = actions[event.key];
  if (action !== undefined) {
    event.preventDefault();
    action();
  }
}
