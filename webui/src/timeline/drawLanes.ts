import type { Info, Lanes, Timeline } from "../data/forms";
import { CANVAS_FONT, fitText } from "../lib/canvas";
import { visible } from "../lib/text";
import { nameColour, translucent, type Palette } from "../lib/theme";
import { WINDOW_ROW_HEIGHT, type LaneRow } from "./laneRows";

export interface LanePicture {
  readonly rows: readonly LaneRow[];
  readonly lanes: Lanes | undefined;
  readonly timeline: Timeline | undefined;
  readonly info: Info;
  /** Room for the names. */
  readonly left: number;
  readonly right: number;
  readonly width: number;
  readonly fromNs: number;
  readonly toNs: number;
  readonly chosen: { readonly threadId: number | null; readonly processId: number | null; readonly windowId: number | null };
  readonly palette: Palette;
}

const LEAST_MARK_PX = 1;
const LABEL_FROM_PX = 26;
const CHARACTER_PX = 6;

export function drawLanes(context: CanvasRenderingContext2D, picture: LanePicture): void {
  const { rows, left, width, right, palette } = picture;
  context.font = `11px ${CANVAS_FONT}`;
  context.textBaseline = "middle";
  for (const row of rows) {
    context.fillStyle = palette["text-3"];
    context.textAlign = "right";
    context.fillText(fitText(context, visible(row.label), left - 10, CHARACTER_PX), left - 6, row.top + Math.min(row.height, 26) / 2);
  }
  context.save();
  context.beginPath();
  context.rect(left, 0, width - left - right, 10_000);
  context.clip();
  context.textAlign = "left";
  for (const row of rows) {
    drawRow(context, row, picture);
  }
  context.restore();
}

function drawRow(context: CanvasRenderingContext2D, row: LaneRow, picture: LanePicture): void {
  switch (row.kind) {
    case "rate":
      drawRate(context, row, picture);
      break;
    case "gc":
      drawCollections(context, row, picture);
      break;
    case "windows":
      drawWindows(context, row, picture);
      break;
    case "checkpoints":
      drawCheckpoints(context, row, picture);
      break;
    case "more":
      break;
    default:
      drawSpan(context, row, picture);
  }
}

function toX({ left, right, width, fromNs, toNs }: LanePicture): (timeNs: number) => number {
  const scale = (width - left - right) / (toNs - fromNs);
  return (timeNs) => left + (timeNs - fromNs) * scale;
}

function drawRate(context: CanvasRenderingContext2D, row: LaneRow, picture: LanePicture): void {
  const { timeline, palette, fromNs, toNs } = picture;
  if (timeline === undefined) {
    return;
  }
  const x = toX(picture);
  let greatest = 0;
  const isVisible = (start: number) => start + timeline.bucket_ns > fromNs && start < toNs;
  timeline.start_ns.forEach((start, index) => {
    if (isVisible(start)) {
      greatest = Math.max(greatest, timeline.allocated_bytes[index] ?? 0);
    }
  });
  context.fillStyle = palette.hover;
  context.fillRect(picture.left, row.top + row.height - 1, picture.width, 1);
  context.fillStyle = palette.born;
  timeline.start_ns.forEach((start, index) => {
    const value = timeline.allocated_bytes[index] ?? 0;
    if (value > 0 && isVisible(start)) {
      const height = Math.max(1, (value / greatest) * row.height);
      const from = x(start);
      context.fillRect(from, row.top + row.height - height, Math.max(LEAST_MARK_PX, x(start + timeline.bucket_ns) - from), height);
    }
  });
}

const GENERATION_HEIGHT = [0.45, 0.7, 1];

function drawCollections(context: CanvasRenderingContext2D, row: LaneRow, picture: LanePicture): void {
  const gc = picture.lanes?.gc;
  if (gc === undefined) {
    return;
  }
  const x = toX(picture);
  context.fillStyle = picture.palette.gc;
  gc.time_ns.forEach((start, index) => {
    const from = x(start);
    const to = x(start + (gc.duration_ns[index] ?? 0));
    if (to >= picture.left && from <= picture.width) {
      const height = row.height * (GENERATION_HEIGHT[gc.generation[index] ?? 0] ?? 1);
      context.fillRect(from, row.top + row.height - height, Math.max(LEAST_MARK_PX, to - from), height);
    }
  });
}

function drawWindows(context: CanvasRenderingContext2D, row: LaneRow, picture: LanePicture): void {
  const windows = picture.lanes?.windows;
  if (windows === undefined) {
    return;
  }
  const x = toX(picture);
  const [least, most] = [picture.left, picture.width - picture.right];
  // Marks that would fall on the same pixel are drawn once.
  const drawnTo = new Map<number, number>();
  windows.window_id.forEach((id, index) => {
    const lane = windows.row[index] ?? 0;
    if ((lane + 1) * WINDOW_ROW_HEIGHT > row.height) {
      return;
    }
    const from = Math.max(least, x(windows.start_ns[index] ?? 0));
    const to = Math.min(most, x(windows.end_ns[index] ?? picture.toNs));
    const isChosen = id === picture.chosen.windowId;
    if (to < least || from > most || (!isChosen && to - from < 1 && Math.floor(from) === drawnTo.get(lane))) {
      return;
    }
    drawnTo.set(lane, Math.floor(from));
    const name = windows.name[index] ?? "";
    const top = row.top + lane * WINDOW_ROW_HEIGHT;
    context.fillStyle = translucent(nameColour(name), isChosen ? 1 : 0.62);
    context.fillRect(from, top, Math.max(LEAST_MARK_PX, to - from - 0.5), WINDOW_ROW_HEIGHT - 2);
    if (to - from > LABEL_FROM_PX) {
      context.fillStyle = picture.palette.text;
      context.fillText(fitText(context, visible(name), to - from - 6, CHARACTER_PX), from + 4, top + WINDOW_ROW_HEIGHT / 2 - 0.5);
    }
  });
}

function drawCheckpoints(context: CanvasRenderingContext2D, row: LaneRow, picture: LanePicture): void {
  const x = toX(picture);
  context.fillStyle = picture.palette.accent;
  for (const { time_ns } of picture.lanes?.checkpoints ?? []) {
    const middle = row.top + row.height / 2;
    const at = x(time_ns);
    context.beginPath();
    context.moveTo(at, middle - 5);
    context.lineTo(at + 5, middle);
    context.lineTo(at, middle + 5);
    context.lineTo(at - 5, middle);
    context.fill();
  }
}

/** A thread ends with its process at the latest, whether or not it was seen to. */
function spanEnd(span: Info["threads"][number] | Info["processes"][number], { processes }: Info): number {
  const end = processes.find(({ process_id }) => process_id === span.process_id)?.end_ns ?? Infinity;
  return Math.min(span.end_ns ?? Infinity, end);
}

function drawSpan(context: CanvasRenderingContext2D, row: LaneRow, picture: LanePicture): void {
  const { info, palette, chosen, toNs } = picture;
  const isThread = row.kind === "thread";
  const span = isThread
    ? info.threads.find(({ thread_id }) => thread_id === row.id)
    : info.processes.find(({ process_id }) => process_id === row.id);
  if (span === undefined) {
    return;
  }
  const x = toX(picture);
  const from = Math.max(picture.left, x(span.start_ns));
  const to = Math.min(picture.width - picture.right, x(Math.min(toNs, spanEnd(span, info))));
  const isChosen = row.id === (isThread ? chosen.threadId : chosen.processId);
  context.fillStyle = isChosen ? palette.accent : translucent(palette.rss, isThread ? 0.28 : 0.45);
  const height = isThread ? 4 : 8;
  context.fillRect(from, row.top + (row.height - height) / 2, Math.max(LEAST_MARK_PX, to - from), height);
}
