/** What the timeline shows: its answers, and the model that is drawn from them. */

import { useEffect, useMemo, useState } from "react";

import { useAnswer, type Answer } from "../data/answers";
import type { Lanes, Timeline } from "../data/forms";
import { whose } from "../data/parameters";
import type { SourceError } from "../data/source";
import { useTrace } from "../data/trace";
import type { Palette } from "../lib/theme";
import type { TimeRange } from "../selection/selection";
import { useSelection, useSetting } from "../selection/store";
import { memoryModel, residentModel, stackedModel, type PlotModel } from "./model";
import { withSurroundings } from "./viewport";

export const MEMORY_MODES = ["memory", "resident", "site", "function", "file", "module"] as const;
export type MemoryMode = (typeof MEMORY_MODES)[number];

const SETTLED_MS = 90;
const BUCKET_GRANULE = 200;
const MOST_BUCKETS = 6000;
const LANE_MARKS = 4000;

/** `value`, once it has stayed the same for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), SETTLED_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}

function sameRange(range: TimeRange | null): string {
  return range === null ? "" : `${range.fromNs}-${range.toNs}`;
}

export interface Memory {
  readonly timeline: Timeline | undefined;
  readonly lanes: Lanes | undefined;
  readonly model: PlotModel | undefined;
  readonly mode: MemoryMode;
  readonly isFiltered: boolean;
  readonly isStale: boolean;
  readonly error: SourceError | null;
}

/** Asks for what is visible and some more on both sides, in as many buckets as there are pixels. */
export function useMemory(width: number, isCompact: boolean, palette: Palette): Memory {
  const { trace, info } = useTrace();
  const selection = useSelection();
  const [chosenMode] = useSetting<MemoryMode>("show", "memory", MEMORY_MODES);
  const mode = isCompact ? "memory" : chosenMode;
  const zoom = useSelection((current) => sameRange(withSurroundings(current.zoom, info.duration_ns)));
  const settledZoom = useSettled(zoom);
  const isFiltered = selection.threadId !== null || selection.windowId !== null;

  const [from, to] = settledZoom.split("-");
  const range = settledZoom === "" ? {} : { from_ns: Number(from), to_ns: Number(to) };
  const pixels = Math.max(BUCKET_GRANULE, Math.ceil(width / BUCKET_GRANULE) * BUCKET_GRANULE);
  const buckets = Math.min(MOST_BUCKETS, settledZoom === "" ? pixels : 3 * pixels);
  const place = { trace: trace.id, ...range };
  const { process_id } = whose(selection);
  const process = process_id === undefined ? {} : { process_id };
  const isReady = width > 0;

  const timeline = useAnswer("timeline", isReady ? { ...place, ...whose(selection), buckets } : null);
  const resident = useAnswer("timeline/resident", mode === "resident" && isReady ? { ...place, ...process } : null);
  const isStacked = mode !== "memory" && mode !== "resident";
  const stacked = useAnswer(
    "timeline/stacked",
    isStacked && isReady ? { ...place, ...whose(selection), by: mode, top: 8, buckets: Math.min(buckets, 2000) } : null,
  );
  const lanes = useAnswer("lanes", isCompact || !isReady ? null : { ...place, ...process, marks: LANE_MARKS });

  const model = useMemo(() => {
    if (timeline.data === undefined) {
      return undefined;
    }
    if (mode === "resident") {
      return resident.data && residentModel(timeline.data, resident.data, palette);
    }
    if (isStacked) {
      return stacked.data && stackedModel(stacked.data, palette);
    }
    return memoryModel(timeline.data, palette, isFiltered);
  }, [timeline.data, resident.data, stacked.data, mode, isStacked, isFiltered, palette]);

  const answers: readonly Answer<unknown>[] = [timeline, lanes, ...(mode === "resident" ? [resident] : []), ...(isStacked ? [stacked] : [])];
  return {
    timeline: timeline.data,
    lanes: lanes.data,
    model,
    mode,
    isFiltered,
    isStale: answers.some(({ isStale, isLoading }) => isStale || isLoading),
    error: answers.map(({ error }) => error).find((error) => error !== null) ?? null,
  };
}
