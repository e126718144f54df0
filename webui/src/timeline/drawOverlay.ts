import type { Timeline } from "../data/forms";
import { CANVAS_FONT } from "../lib/canvas";
import { translucent, type Palette } from "../lib/theme";
import { formatMoment } from "../lib/units";
import type { TimeRange } from "../selection/selection";

export interface Overlay {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly visible: TimeRange;
  readonly range: TimeRange | null;
  readonly atNs: number | null;
  readonly hoverX: number | null;
  readonly peaks: Timeline["peaks"];
  /** Vertical position of a size. */
  readonly positionOf: (bytes: number) => number;
  readonly palette: Palette;
}

const HANDLE_PX = 3;

/** What lies over the picture: the brushed range, the cursor, the greatest moments, the pointer. */
export function drawOverlay(context: CanvasRenderingContext2D, overlay: Overlay): void {
  const { width, height, left, right, visible, range, atNs, hoverX, palette } = overlay;
  const scale = (width - left - right) / (visible.toNs - visible.fromNs);
  const x = (timeNs: number) => left + (timeNs - visible.fromNs) * scale;
  context.save();
  context.beginPath();
  context.rect(left - HANDLE_PX, 0, width - left - right + 2 * HANDLE_PX, height);
  context.clip();
  if (range !== null) {
    const [from, to] = [x(range.fromNs), Math.max(x(range.toNs), x(range.fromNs) + 1)];
    context.fillStyle = translucent(palette.accent, 0.13);
    context.fillRect(from, 0, to - from, height);
    context.fillStyle = palette.accent;
    context.fillRect(from - 0.5, 0, 1, height);
    context.fillRect(to - 0.5, 0, 1, height);
    for (const edge of [from, to]) {
      context.beginPath();
      context.roundRect(edge - HANDLE_PX / 2, 10, HANDLE_PX, 18, 2);
      context.fill();
    }
  }
  for (const peak of overlay.peaks) {
    drawPeak(context, x(peak.time_ns), overlay.positionOf(peak.bytes), peak.kind === "rss" ? palette.rss : palette.heap);
  }
  if (hoverX !== null && hoverX >= left) {
    context.fillStyle = translucent(palette.text, 0.35);
    context.fillRect(Math.round(hoverX), 0, 1, height);
  }
  if (atNs !== null) {
    drawCursor(context, x(atNs), height, formatMoment(atNs, (visible.toNs - visible.fromNs) / 200), overlay);
  }
  context.restore();
}

function drawPeak(context: CanvasRenderingContext2D, x: number, y: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, y - 3);
  context.lineTo(x - 4, y - 10);
  context.lineTo(x + 4, y - 10);
  context.fill();
}

function drawCursor(context: CanvasRenderingContext2D, x: number, height: number, label: string, { width, palette }: Overlay): void {
  context.fillStyle = palette.text;
  context.fillRect(Math.round(x) - 0.5, 0, 1.5, height);
  context.font = `600 11px ${CANVAS_FONT}`;
  const labelWidth = context.measureText(label).width + 10;
  const start = x + labelWidth > width ? x - labelWidth : x;
  context.beginPath();
  context.roundRect(start, 0, labelWidth, 17, 3);
  context.fill();
  context.fillStyle = palette.page;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillText(label, start + 5, 9);
}
