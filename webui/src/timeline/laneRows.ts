/** What the lanes below the plot show, from top to bottom. */

import type { Info, Lanes } from "../data/forms";

export interface LaneRow {
  readonly kind: "rate" | "gc" | "windows" | "thread" | "process" | "checkpoints";
  readonly label: string;
  readonly top: number;
  readonly height: number;
  /** Of a thread or a process: its number. */
  readonly id?: number;
}

const GAP = 4;
const RATE_HEIGHT = 26;
const GC_HEIGHT = 16;
export const WINDOW_ROW_HEIGHT = 14;
const MOST_WINDOW_ROWS = 6;
const SPAN_HEIGHT = 14;
const MOST_THREADS = 8;
const MOST_PROCESSES = 8;

/** The rows, and how high they are together. */
export function laneRows(lanes: Lanes | undefined, info: Info): { rows: LaneRow[]; height: number } {
  const rows: LaneRow[] = [];
  let top = GAP;
  const add = (row: Omit<LaneRow, "top">) => {
    rows.push({ ...row, top });
    top += row.height + GAP;
  };
  add({ kind: "rate", label: "Allocated", height: RATE_HEIGHT });
  if (info.has.collections) {
    add({ kind: "gc", label: "GC", height: GC_HEIGHT });
  }
  if (lanes !== undefined && lanes.checkpoints.length > 0) {
    add({ kind: "checkpoints", label: "Heap", height: SPAN_HEIGHT });
  }
  if (info.has.windows) {
    const used = lanes ? Math.max(0, ...lanes.windows.row) + 1 : 1;
    add({ kind: "windows", label: "Windows", height: Math.min(MOST_WINDOW_ROWS, used) * WINDOW_ROW_HEIGHT });
  }
  if (info.processes.length > 1) {
    for (const process of info.processes.slice(0, MOST_PROCESSES)) {
      add({ kind: "process", label: `Process ${process.process_id}`, height: SPAN_HEIGHT, id: process.process_id });
    }
  }
  if (info.threads.length > 1) {
    for (const thread of info.threads.slice(0, MOST_THREADS)) {
      add({ kind: "thread", label: thread.name ?? `Thread ${thread.thread_id}`, height: SPAN_HEIGHT, id: thread.thread_id });
    }
  }
  return { rows, height: top };
}
