/** What is known of one moment. */

import { estimateText } from "../lib/estimates";
import { formatBytes } from "../lib/units";
import type { Memory } from "./useMemory";

function nearest(values: readonly (number | null)[], index: number): number | null {
  for (let distance = 0; distance < 50; distance += 1) {
    const found = values[index - distance] ?? values[index + distance] ?? null;
    if (found !== null) {
      return found;
    }
  }
  return null;
}

/** Names and figures, as the tooltip and the screen reader say them. */
export function momentFacts({ timeline, model, mode, isFiltered }: Memory, timeNs: number): [string, string][] {
  if (timeline === undefined || model === undefined) {
    return [];
  }
  const index = Math.min(timeline.start_ns.length - 1, Math.max(0, Math.floor((timeNs - (timeline.start_ns[0] ?? 0)) / timeline.bucket_ns)));
  const facts: [string, string][] = [];
  const rss = nearest(timeline.rss.max, index);
  if (rss !== null && !isFiltered) {
    facts.push(["Resident", formatBytes(rss)]);
  }
  if (mode === "memory") {
    const heap = timeline.heap_live.max[index] ?? 0;
    const error = timeline.heap_live.error[index] ?? 0;
    facts.push(["Live heap", estimateText({ value: heap, error })]);
    const allocated = { value: timeline.allocated_bytes[index] ?? 0, error: timeline.allocated_error[index] ?? 0 };
    facts.push(["Allocated here", estimateText(allocated)]);
    return facts;
  }
  const after = model.times.findIndex((time) => time >= timeNs);
  const place = after < 0 ? model.times.length - 1 : after;
  // The times are the middles of buckets: the one before may be nearer.
  const at = place > 0 && timeNs - (model.times[place - 1] ?? 0) < (model.times[place] ?? 0) - timeNs ? place - 1 : place;
  const layers = model.layers.map(({ label, bytes, error }) => ({ label, value: bytes[at] ?? 0, error: error?.[at] ?? 0 }));
  for (const { label, value, error } of layers.filter((layer) => layer.value > 0).sort((a, b) => b.value - a.value)) {
    facts.push([label, estimateText({ value, error })]);
  }
  return facts;
}
