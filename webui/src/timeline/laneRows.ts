/** What the lanes below the plot show, from top to bottom. */

import type { Info, Lanes } from "../data/forms";

export interface LaneRow {
  readonly kind: "rate" | "gc" | "windows" | "thread" | "process" | "checkpoints" | "more";
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
const MOST_SPANS = 12;

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
  const spans = spanRows(info);
  for (const span of withinRoom(spans)) {
    add({ ...span, height: SPAN_HEIGHT });
  }
  if (spans.length > MOST_SPANS) {
    add({ kind: "more", label: `${spans.length - MOST_SPANS} more`, height: SPAN_HEIGHT });
  }
  return { rows, height: top };
}

/** As many as there is room for: processes before threads, of which one alone may have more than that. */
function withinRoom<T extends { readonly kind: LaneRow["kind"] }>(spans: readonly T[]): T[] {
  let threads = MOST_SPANS - spans.filter(({ kind }) => kind === "process").length;
  return spans.filter(({ kind }) => kind === "process" || threads-- > 0).slice(0, MOST_SPANS);
}

/** Each process followed by its threads, where there are several of them. */
function spanRows({ processes, threads }: Info): Pick<LaneRow, "kind" | "label" | "id">[] {
  return processes.flatMap(({ process_id }) => {
    const own = threads.filter((thread) => thread.process_id === process_id);
    return [
      ...(processes.length > 1 ? [{ kind: "process" as const, label: `PID ${process_id}`, id: process_id }] : []),
      ...(own.length > 1 ? own.map(({ name, thread_id }) => ({ kind: "thread" as const, label: name ?? `Thread ${thread_id}`, id: thread_id })) : []),
    ];
  });
}
