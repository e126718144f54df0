/** From the answers of the source to the columns that the plot draws. */

import type { Estimate, Range, Resident, Stacked, Timeline } from "../data/forms";
import { summed } from "../lib/estimates";
import { placeLabels } from "../lib/text";

export type Column = (number | null)[];

/** Greatest of each bucket, without gaps: where the clock did not tick, memory is taken to be as before. */
export function filled(values: readonly (number | null)[]): number[] {
  let last = values.find((value) => value !== null) ?? 0;
  return values.map((value) => {
    last = value ?? last;
    return last;
  });
}

/** The middle of each bucket. */
export function bucketMiddles(timeline: Pick<Timeline, "start_ns" | "bucket_ns">): number[] {
  return timeline.start_ns.map((start) => start + timeline.bucket_ns / 2);
}

export function hasReadings(range: Range): boolean {
  return range.max.some((value) => value !== null);
}

/** Whether more is live than resident at some time: what is mapped or allocated is resident only where it was written to. */
export function isAboveResident({ rss, heap_live }: Pick<Timeline, "rss" | "heap_live">): boolean {
  return heap_live.min.some((live, index) => live !== null && live > (rss.max[index] ?? Infinity));
}

/** The values that a spike is looked for in: the top counts even if it was over within a bucket. */
export function spikeValues(timeline: Pick<Timeline, "heap_live">): number[] {
  return filled(timeline.heap_live.max);
}

export interface Layer {
  readonly label: string;
  /** One value a bucket. */
  readonly bytes: number[];
  /** Half width of the 95 % interval of each; absent: measured. */
  readonly error?: number[];
}

export function stackedLayers(stacked: Stacked): Layer[] {
  const names = placeLabels(stacked.layers);
  const layers = stacked.layers.map(({ label, live_bytes, error }, index) => ({ label: names[index] ?? label, bytes: live_bytes, error }));
  return [...layers, { label: "All else", bytes: stacked.other.live_bytes, error: stacked.other.error }];
}

/** What explains the resident memory at each bucket: the last snapshot before it. */
export function residentLayers(resident: Resident, times: readonly number[], most = 8): Layer[] {
  const snapshots: number[] = [];
  let next = 0;
  for (const time of times) {
    while (next < resident.time_ns.length && (resident.time_ns[next] ?? 0) <= time) {
      next += 1;
    }
    snapshots.push(Math.max(0, next - 1));
  }
  const layers = resident.categories.map(({ label, resident_bytes }) => ({
    label,
    bytes: snapshots.map((snapshot) => resident_bytes[snapshot] ?? 0),
  }));
  if (layers.length <= most) {
    return layers;
  }
  const rest = layers.slice(most - 1);
  const other = times.map((_, index) => rest.reduce((sum, { bytes }) => sum + (bytes[index] ?? 0), 0));
  return [...layers.slice(0, most - 1), { label: "All else", bytes: other }];
}

/** The upper edge of each layer, the greatest layer at the bottom. */
export function cumulative(layers: readonly Layer[]): number[][] {
  let below: readonly number[] = [];
  return layers.map(({ bytes }) => {
    const edge = bytes.map((value, index) => value + (below[index] ?? 0));
    below = edge;
    return edge;
  });
}

export interface LayerRow {
  readonly fromNs: number;
  /** Of each layer. */
  readonly values: readonly Estimate[];
}

/** At most `most` moments of what is stacked: that at which there is most, in each of so many parts of the time. */
export function layerRows(times: readonly number[], layers: readonly Layer[], most = 40): LayerRow[] {
  const step = Math.max(1, Math.ceil(times.length / most));
  const totals = times.map((_, index) => layers.reduce((sum, { bytes }) => sum + (bytes[index] ?? 0), 0));
  const rows: LayerRow[] = [];
  for (let first = 0; first < times.length; first += step) {
    const part = totals.slice(first, first + step);
    const index = first + part.indexOf(Math.max(...part));
    rows.push({ fromNs: times[index] ?? 0, values: layers.map(({ bytes, error }) => ({ value: bytes[index] ?? 0, error: error?.[index] ?? 0 })) });
  }
  return rows;
}

export interface SummaryRow {
  readonly fromNs: number;
  readonly rss: number | null;
  readonly heap: number | null;
  readonly heapError: number;
  readonly allocated: Estimate;
  readonly freed: Estimate;
}

/** At most `most` rows that say what the picture shows. */
export function summaryRows(timeline: Timeline, most = 40): SummaryRow[] {
  const count = timeline.start_ns.length;
  const step = Math.max(1, Math.ceil(count / most));
  const rows: SummaryRow[] = [];
  for (let first = 0; first < count; first += step) {
    const slice = <T>(values: readonly T[]) => values.slice(first, first + step);
    const greatest = (values: readonly (number | null)[]) => {
      const known = slice(values).filter((value) => value !== null);
      return known.length === 0 ? null : Math.max(...known);
    };
    rows.push({
      fromNs: timeline.start_ns[first] ?? 0,
      rss: greatest(timeline.rss.max),
      heap: greatest(timeline.heap_live.max),
      heapError: greatest(timeline.heap_live.error) ?? 0,
      allocated: summed(slice(timeline.allocated_bytes), slice(timeline.allocated_error)),
      freed: summed(slice(timeline.freed_bytes), slice(timeline.freed_error)),
    });
  }
  return rows;
}
