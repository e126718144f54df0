import { useEffect, useMemo, useRef, useState } from "react";

import type { Windows } from "../data/forms";
import { beginDrawing, CANVAS_FONT, useFrame, useSize } from "../lib/canvas";
import { visible } from "../lib/text";
import { nameColour, translucent, usePalette } from "../lib/theme";
import { formatBytes, formatCount, formatDuration } from "../lib/units";
import { Tooltip, TooltipFacts } from "../parts/Tooltip";
import { axesOf, drawAxes, HEIGHT } from "./axes";
import { dotAt, dotsOf, nextOf, radiusOf, readable, type Dot } from "./dots";

const REACH_PX = 10;
/** Each window as a dot, what it allocated against what it left behind, both by powers; those that coincide as one dot with their number. */
export function Scatter({ windows, chosen, onChoose }: { windows: Windows; chosen: number | null; onChoose: (windowId: number) => void }) {
  const palette = usePalette();
  const container = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(container);
  const [hover, setHover] = useState<{ dot: Dot; x: number; y: number } | null>(null);
  const axes = useMemo(() => axesOf(windows.allocated_bytes, windows.retained_bytes, width), [windows, width]);

  const dots = useMemo(
    () => dotsOf(windows.name, windows.allocated_bytes.map((allocated, index) => [axes.x.position(allocated), axes.y.position(windows.retained_bytes[index] ?? 0)])),
    [windows, axes],
  );
  const numbered = useMemo(() => readable(dots), [dots]);
  const chosenIndex = chosen === null ? -1 : windows.window_id.indexOf(chosen);

  const requestDraw = useFrame(() => {
    const context = canvas.current && beginDrawing(canvas.current, { width, height: HEIGHT });
    if (!context) {
      return;
    }
    context.font = `11px ${CANVAS_FONT}`;
    drawAxes(context, axes, width, palette);
    for (const dot of dots) {
      const isChosen = dot === hover?.dot || dot.members.includes(chosenIndex);
      drawDot(context, dot, isChosen, palette.text);
    }
    drawNumbers(context, numbered, palette.text);
  });
  useEffect(requestDraw);

  const under = (event: { clientX: number; clientY: number; currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return dotAt(dots, event.clientX - box.left, event.clientY - box.top, REACH_PX);
  };
  return (
    <div
      ref={container}
      className="picture"
      style={{ height: HEIGHT, cursor: hover === null ? "default" : "pointer" }}
      role="img"
      aria-label={`Allocated against retained bytes of ${windows.window_id.length} windows; the table below lists them`}
      onPointerMove={(event) => {
        const dot = under(event);
        setHover(dot && { dot, x: event.clientX, y: event.clientY });
      }}
      onPointerLeave={() => setHover(null)}
      onClick={(event) => {
        const dot = under(event);
        if (dot !== null) {
          onChoose(windows.window_id[nextOf(dot, chosenIndex)] ?? 0);
        }
      }}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {hover !== null && (
        <Tooltip x={hover.x} y={hover.y}>
          <strong>{visible(hover.dot.name)}</strong>
          {hover.dot.members.length > 1 && <span className="quiet"> {formatCount(hover.dot.members.length)} windows</span>}
          <TooltipFacts facts={factsOf(windows, hover.dot)} />
        </Tooltip>
      )}
    </div>
  );
}

/** Of one window the figures with their errors; of several from the least to the greatest. */
function factsOf(windows: Windows, { members }: Dot): [string, string][] {
  const [only] = members;
  if (members.length === 1 && only !== undefined) {
    return [
      ["Allocated", withError(windows.allocated_bytes[only], windows.allocated_error[only])],
      ["Retained", withError(windows.retained_bytes[only], windows.retained_error[only])],
      ["Took", formatDuration(windows.duration_ns[only] ?? 0)],
    ];
  }
  const range = (values: readonly (number | null)[], format: (value: number) => string) => {
    const found = members.map((index) => values[index] ?? 0);
    const [least, greatest] = [format(Math.min(...found)), format(Math.max(...found))];
    return least === greatest ? least : `${least} to ${greatest}`;
  };
  return [
    ["Allocated", range(windows.allocated_bytes, formatBytes)],
    ["Retained", range(windows.retained_bytes, formatBytes)],
    ["Took", range(windows.duration_ns, formatDuration)],
    ["Click", "for the next of them"],
  ];
}

function drawDot(context: CanvasRenderingContext2D, dot: Dot, isChosen: boolean, ink: string): void {
  const radius = radiusOf(dot) + (isChosen ? 2 : 0);
  const colour = nameColour(dot.name);
  context.fillStyle = translucent(colour, isChosen ? 0.75 : 0.42);
  context.strokeStyle = isChosen ? ink : colour;
  context.lineWidth = 1;
  context.beginPath();
  context.arc(dot.x, dot.y, radius, 0, 7);
  context.fill();
  context.stroke();
}

function drawNumbers(context: CanvasRenderingContext2D, dots: readonly Dot[], ink: string): void {
  context.fillStyle = ink;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { members, x, y } of dots) {
    context.fillText(members.length < 1000 ? String(members.length) : `${Math.round(members.length / 1000)}k`, x, y + 0.5);
  }
}

function withError(bytes = 0, error = 0): string {
  return formatBytes(bytes) + (error > 0 ? ` ± ${formatBytes(error)}` : "");
}
