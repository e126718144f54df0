/** The table behind the flame graph: each frame with what it allocated itself, and with all that it called. */

import type { Estimate, Frame } from "../data/forms";
import { summed } from "../lib/estimates";
import type { FlameTree } from "./tree";

export interface FrameRow {
  readonly index: number;
  readonly frame: Frame;
  readonly self: Estimate;
  readonly total: Estimate;
  readonly samples: number;
}

/** One row a frame, the greatest total first. A frame that calls itself counts once. */
export function byFrame({ form, count }: FlameTree): FrameRow[] {
  const { parent, frame, bytes, self_bytes, self_error, error, samples } = form.nodes;
  const rows = form.frames.map((shown, index) => ({ index, frame: shown, self: [] as number[], selfErrors: [] as number[], bytes: 0, variance: 0, samples: 0 }));
  for (let node = 0; node < count; node += 1) {
    const row = rows[frame[node] ?? -1];
    if (row === undefined) {
      continue;
    }
    row.self.push(self_bytes[node] ?? 0);
    row.selfErrors.push(self_error[node] ?? 0);
    let above = parent[node] ?? -1;
    while (above >= 0 && frame[above] !== row.index) {
      above = parent[above] ?? -1;
    }
    if (above < 0) {
      row.bytes += bytes[node] ?? 0;
      row.variance += (error[node] ?? 0) ** 2;
      row.samples += samples[node] ?? 0;
    }
  }
  return rows
    .map(({ index, frame: shown, self, selfErrors, bytes: value, variance, samples: count }) => ({
      index,
      frame: shown,
      self: summed(self, selfErrors),
      total: { value, error: Math.sqrt(variance) },
      samples: count,
    }))
    .sort((a, b) => Math.abs(b.total.value) - Math.abs(a.total.value));
}
