import { useEffect, useRef, useState } from "react";

import { beginDrawing, CANVAS_FONT, useFrame, useSize } from "../lib/canvas";
import { byteStep, ticks, timeStep } from "../lib/scales";
import { translucent, usePalette } from "../lib/theme";
import { formatBytes, formatMoment } from "../lib/units";
import { Tooltip, TooltipFacts } from "./Tooltip";

export interface ChartLine {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly (readonly [timeNs: number, bytes: number])[];
  readonly isFilled?: boolean;
  readonly isDashed?: boolean;
  /** Lower and upper edge of the interval around each point. */
  readonly band?: readonly (readonly [timeNs: number, low: number, high: number])[];
}

const LEFT = 62;
const RIGHT = 12;
const TOP = 8;
const BOTTOM = 22;

/** A small chart of bytes over time. What it shows is to be told in words or in a table beside it. */
export function LineChart({ label, lines, fromNs, toNs, height = 160 }: { label: string; lines: readonly ChartLine[]; fromNs: number; toNs: number; height?: number }) {
  const palette = usePalette();
  const container = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(container);
  const [pointer, setPointer] = useState<{ x: number; clientX: number; clientY: number } | null>(null);
  const greatest = Math.max(1, ...lines.flatMap(({ points, band }) => [...points.map(([, bytes]) => bytes), ...(band ?? []).map(([, , high]) => high)])) * 1.06;
  const span = Math.max(1, toNs - fromNs);
  const x = (time: number) => LEFT + ((time - fromNs) / span) * (width - LEFT - RIGHT);
  const y = (bytes: number) => TOP + (1 - bytes / greatest) * (height - TOP - BOTTOM);

  const requestDraw = useFrame(() => {
    const context = canvas.current && beginDrawing(canvas.current, { width, height });
    if (!context) {
      return;
    }
    context.font = `11px ${CANVAS_FONT}`;
    context.textBaseline = "middle";
    for (const bytes of ticks(0, greatest, byteStep(greatest, 3))) {
      context.fillStyle = palette.line;
      context.fillRect(LEFT, Math.round(y(bytes)), width - LEFT - RIGHT, 1);
      context.fillStyle = palette["text-3"];
      context.textAlign = "right";
      context.fillText(bytes === 0 ? "0" : formatBytes(bytes).replace(/\.?0+ /, " "), LEFT - 6, y(bytes));
    }
    const step = timeStep(span, Math.max(2, (width - LEFT) / 100));
    context.textAlign = "center";
    context.fillStyle = palette["text-3"];
    for (const time of ticks(fromNs, toNs, step)) {
      if (x(time) < width - 20) {
        context.fillText(formatMoment(time, step), x(time), height - BOTTOM / 2 + 2);
      }
    }
    for (const line of lines) {
      drawLine(context, line, x, y);
    }
    if (pointer !== null) {
      context.fillStyle = translucent(palette.text, 0.35);
      context.fillRect(Math.round(pointer.x), TOP, 1, height - TOP - BOTTOM);
    }
  });
  useEffect(requestDraw);

  const time = pointer === null ? 0 : fromNs + ((pointer.x - LEFT) / (width - LEFT - RIGHT)) * span;
  return (
    <div
      ref={container}
      className="picture"
      style={{ height }}
      role="img"
      aria-label={label}
      onPointerMove={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        setPointer({ x: event.clientX - box.left, clientX: event.clientX, clientY: event.clientY });
      }}
      onPointerLeave={() => setPointer(null)}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {pointer !== null && pointer.x > LEFT && (
        <Tooltip x={pointer.clientX} y={pointer.clientY}>
          <strong>{formatMoment(time, span / 200)}</strong>
          <TooltipFacts facts={lines.map((line) => [line.label, formatBytes(valueAt(line, time))] as const)} />
        </Tooltip>
      )}
    </div>
  );
}

function valueAt({ points }: ChartLine, time: number): number {
  let value = points[0]?.[1] ?? 0;
  for (const [at, bytes] of points) {
    if (at > time) {
      break;
    }
    value = bytes;
  }
  return value;
}

function drawLine(context: CanvasRenderingContext2D, line: ChartLine, x: (time: number) => number, y: (bytes: number) => number): void {
  const { band, points, colour } = line;
  if (band !== undefined && band.length > 0) {
    context.fillStyle = translucent(colour, 0.18);
    context.beginPath();
    band.forEach(([time, , high]) => context.lineTo(x(time), y(high)));
    [...band].reverse().forEach(([time, low]) => context.lineTo(x(time), y(Math.max(0, low))));
    context.fill();
  }
  context.beginPath();
  points.forEach(([time, bytes]) => context.lineTo(x(time), y(bytes)));
  context.setLineDash(line.isDashed ? [4, 3] : []);
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke();
  context.setLineDash([]);
  if (line.isFilled && points.length > 1) {
    context.lineTo(x(points[points.length - 1]?.[0] ?? 0), y(0));
    context.lineTo(x(points[0]?.[0] ?? 0), y(0));
    context.fillStyle = translucent(colour, 0.14);
    context.fill();
  }
}
