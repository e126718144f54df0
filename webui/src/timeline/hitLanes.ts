/** What lies at a position of the lanes, and what to say about it. */

import { visible } from "../lib/text";
import { estimateText } from "../lib/estimates";
import { formatBytes, formatDuration, formatMoment, plural } from "../lib/units";
import type { LanePicture } from "./drawLanes";
import { WINDOW_ROW_HEIGHT, type LaneRow } from "./laneRows";

export interface LaneHit {
  readonly title: string;
  readonly facts: readonly (readonly [string, string])[];
  readonly windowId?: number;
  readonly threadId?: number;
  readonly processId?: number;
}

const REACH_PX = 3;

export function hitLane(picture: LanePicture, x: number, y: number): LaneHit | null {
  const row = picture.rows.find(({ top, height }) => y >= top - 2 && y < top + height + 2);
  if (row === undefined) {
    return null;
  }
  const nsPerPixel = (picture.toNs - picture.fromNs) / (picture.width - picture.left - picture.right);
  const timeNs = picture.fromNs + (x - picture.left) * nsPerPixel;
  const isOnLabel = x < picture.left;
  if (row.kind === "thread" || row.kind === "process") {
    return hitSpan(picture, row);
  }
  if (row.kind === "more") {
    return { title: row.label, facts: [["Processes and threads", "all are in the menus above"]] };
  }
  if (isOnLabel) {
    return null;
  }
  if (row.kind === "gc") {
    return hitCollection(picture, timeNs, nsPerPixel);
  }
  if (row.kind === "windows") {
    return hitWindow(picture, Math.floor((y - row.top) / WINDOW_ROW_HEIGHT), timeNs, nsPerPixel);
  }
  if (row.kind === "checkpoints") {
    return hitCheckpoint(picture, timeNs, nsPerPixel);
  }
  return hitRate(picture, timeNs);
}

function hitRate({ timeline }: LanePicture, timeNs: number): LaneHit | null {
  if (timeline === undefined) {
    return null;
  }
  const index = Math.floor((timeNs - (timeline.start_ns[0] ?? 0)) / timeline.bucket_ns);
  const allocated = timeline.allocated_bytes[index];
  if (allocated === undefined) {
    return null;
  }
  const error = timeline.allocated_error[index] ?? 0;
  return {
    title: `Allocated in ${formatDuration(timeline.bucket_ns)}`,
    facts: [
      ["Allocated", estimateText({ value: allocated, error })],
      ["Freed", estimateText({ value: timeline.freed_bytes[index] ?? 0, error: timeline.freed_error[index] ?? 0 })],
    ],
  };
}

function hitCollection({ lanes }: LanePicture, timeNs: number, nsPerPixel: number): LaneHit | null {
  const gc = lanes?.gc;
  const index = gc?.time_ns.findIndex(
    (start, at) => timeNs >= start - REACH_PX * nsPerPixel && timeNs <= start + (gc.duration_ns[at] ?? 0) + REACH_PX * nsPerPixel,
  );
  if (gc === undefined || index === undefined || index < 0) {
    return null;
  }
  const count = gc.count[index] ?? 1;
  return {
    title: count > 1 ? `${count} collector runs` : `Collector run, generation ${gc.generation[index]}`,
    facts: [
      ["Began", formatMoment(gc.time_ns[index] ?? 0, nsPerPixel)],
      ["Took", formatDuration(gc.duration_ns[index] ?? 0)],
      ["Collected", plural(gc.collected[index] ?? 0, "object")],
    ],
  };
}

function hitWindow({ lanes }: LanePicture, lane: number, timeNs: number, nsPerPixel: number): LaneHit | null {
  const windows = lanes?.windows;
  const index = windows?.window_id.findIndex(
    (_, at) =>
      windows.row[at] === lane &&
      timeNs >= (windows.start_ns[at] ?? 0) - nsPerPixel &&
      timeNs <= (windows.end_ns[at] ?? Infinity) + nsPerPixel,
  );
  if (windows === undefined || index === undefined || index < 0) {
    return null;
  }
  const [start, end] = [windows.start_ns[index] ?? 0, windows.end_ns[index] ?? null];
  const shown = windows.window_id.length;
  return {
    title: visible(windows.name[index] ?? ""),
    facts: [
      ["Kind", windows.kind[index] ?? ""],
      ["Began", formatMoment(start, nsPerPixel)],
      ["Took", end === null ? "still open" : formatDuration(end - start)],
      ...(windows.total > shown ? ([["Shown", `the longest ${shown} of ${windows.total}`]] as const) : []),
    ],
    windowId: windows.window_id[index] ?? 0,
  };
}

function hitCheckpoint({ lanes }: LanePicture, timeNs: number, nsPerPixel: number): LaneHit | null {
  const found = lanes?.checkpoints.find(({ time_ns }) => Math.abs(timeNs - time_ns) < 8 * nsPerPixel);
  return found === undefined
    ? null
    : {
        title: "Checkpoint of the heap",
        facts: [
          ["At", formatMoment(found.time_ns, nsPerPixel)],
          ["Objects", plural(found.objects, "object")],
          ["Paused for", found.pause_ns === null ? "unknown" : formatDuration(found.pause_ns)],
        ],
      };
}

function hitSpan({ info }: LanePicture, row: LaneRow): LaneHit | null {
  if (row.kind === "thread") {
    const thread = info.threads.find(({ thread_id }) => thread_id === row.id);
    return thread === undefined
      ? null
      : {
          title: visible(row.label),
          facts: [
            ...(info.processes.length > 1 ? [["Process", String(thread.process_id)] as const] : []),
            ["Thread of the system", String(thread.os_thread_id)],
          ],
          threadId: thread.thread_id,
        };
  }
  const process = info.processes.find(({ process_id }) => process_id === row.id);
  return process === undefined
    ? null
    : {
        title: `Process ${process.process_id}`,
        facts: [
          ["Command", visible(process.command_line)],
          ["Allocated", estimateText(process.bytes)],
          ["Peak", process.peak_rss === null ? "unknown" : formatBytes(process.peak_rss)],
        ],
        processId: process.process_id,
      };
}
