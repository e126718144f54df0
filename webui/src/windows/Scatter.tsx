import { useEffect, useMemo, useRef, useState } from "react";

import type { Windows } from "../data/forms";
import { beginDrawing, CANVAS_FONT, useFrame, useSize } from "../lib/canvas";
import { visible } from "../lib/text";
import { nameColour, translucent, usePalette } from "../lib/theme";
import { formatBytes, formatDuration } from "../lib/units";
import { Tooltip, TooltipFacts } from "../parts/Tooltip";

const LEFT = 66;
const RIGHT = 14;
const TOP = 10;
const BOTTOM = 36;
const HEIGHT = 300;
const REACH_PX = 10;
/** Windows that left nothing lie on the lower edge, below the first power. */
const LEAST = 16;

interface Axis {
  readonly least: number;
  readonly greatest: number;
  position(bytes: number): number;
}

function logAxis(values: readonly number[], from: number, to: number): Axis {
  const greatest = Math.max(LEAST * 16, ...values) * 1.5;
  const positive = values.filter((value) => value > 0);
  const least = Math.max(LEAST, 2 ** Math.floor(Math.log2(positive.length > 0 ? Math.min(...positive) : LEAST)) / 2);
  const scale = (to - from) / Math.log(greatest / least);
  return { least, greatest, position: (bytes) => (bytes <= least ? from : from + Math.log(bytes / least) * scale) };
}

/** Each window as a dot: what it allocated against what it left behind, both by powers. */
export function Scatter({ windows, chosen, onChoose }: { windows: Windows; chosen: number | null; onChoose: (windowId: number) => void }) {
  const palette = usePalette();
  const container = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(container);
  const [hover, setHover] = useState<{ index: number; x: number; y: number } | null>(null);
  const axes = useMemo(
    () => ({
      x: logAxis(windows.allocated_bytes, LEFT, Math.max(LEFT + 1, width - RIGHT)),
      y: logAxis(windows.retained_bytes, HEIGHT - BOTTOM, TOP),
    }),
    [windows, width],
  );

  const requestDraw = useFrame(() => {
    const context = canvas.current && beginDrawing(canvas.current, { width, height: HEIGHT });
    if (!context) {
      return;
    }
    context.font = `11px ${CANVAS_FONT}`;
    drawAxes(context, axes, width, palette);
    for (const [index, allocated] of windows.allocated_bytes.entries()) {
      const isChosen = windows.window_id[index] === chosen || index === hover?.index;
      context.fillStyle = translucent(nameColour(windows.name[index] ?? ""), isChosen ? 1 : 0.5);
      context.beginPath();
      context.arc(axes.x.position(allocated), axes.y.position(windows.retained_bytes[index] ?? 0), isChosen ? 6 : 3.2, 0, 7);
      context.fill();
    }
  });
  useEffect(requestDraw);

  const nearest = (x: number, y: number): number => {
    let [found, distance] = [-1, REACH_PX * REACH_PX];
    windows.allocated_bytes.forEach((allocated, index) => {
      const dx = axes.x.position(allocated) - x;
      const dy = axes.y.position(windows.retained_bytes[index] ?? 0) - y;
      if (dx * dx + dy * dy < distance) {
        [found, distance] = [index, dx * dx + dy * dy];
      }
    });
    return found;
  };
  const under = (event: { clientX: number; clientY: number; currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return nearest(event.clientX - box.left, event.clientY - box.top);
  };
  return (
    <div
      ref={container}
      className="picture"
      style={{ height: HEIGHT, cursor: hover === null ? "default" : "pointer" }}
      role="img"
      aria-label={`Allocated against retained bytes of ${windows.window_id.length} windows; the table below lists them`}
      onPointerMove={(event) => {
        const index = under(event);
        setHover(index < 0 ? null : { index, x: event.clientX, y: event.clientY });
      }}
      onPointerLeave={() => setHover(null)}
      onClick={(event) => {
        const index = under(event);
        if (index >= 0) {
          onChoose(windows.window_id[index] ?? 0);
        }
      }}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {hover !== null && (
        <Tooltip x={hover.x} y={hover.y}>
          <strong>{visible(windows.name[hover.index] ?? "")}</strong>
          <TooltipFacts
            facts={[
              ["Allocated", withError(windows.allocated_bytes[hover.index], windows.allocated_error[hover.index])],
              ["Retained", withError(windows.retained_bytes[hover.index], windows.retained_error[hover.index])],
              ["Took", formatDuration(windows.duration_ns[hover.index] ?? 0)],
            ]}
          />
        </Tooltip>
      )}
    </div>
  );
}

function withError(bytes = 0, error = 0): string {
  return formatBytes(bytes) + (error > 0 ? ` ± ${formatBytes(error)}` : "");
}

function drawAxes(context: CanvasRenderingContext2D, { x, y }: { x: Axis; y: Axis }, width: number, palette: ReturnType<typeof usePalette>): void {
  context.textBaseline = "middle";
  for (const [axis, isHorizontal] of [[x, true], [y, false]] as const) {
    const powers = Math.log2(axis.greatest / axis.least);
    const step = Math.max(1, Math.ceil(powers / (isHorizontal ? width / 90 : 7)));
    for (let power = 0; power <= powers; power += step) {
      const bytes = axis.least * 2 ** power;
      const at = axis.position(bytes);
      const text = power === 0 && !isHorizontal ? "nothing" : formatBytes(bytes).replace(/\.?0+ /, " ");
      context.fillStyle = palette.line;
      context.fillRect(isHorizontal ? at : LEFT, isHorizontal ? TOP : at, isHorizontal ? 1 : width - LEFT - RIGHT, isHorizontal ? HEIGHT - TOP - BOTTOM : 1);
      context.fillStyle = palette["text-3"];
      context.textAlign = isHorizontal ? "center" : "right";
      context.fillText(text, isHorizontal ? at : LEFT - 6, isHorizontal ? HEIGHT - BOTTOM + 11 : at);
    }
  }
  context.fillStyle = palette["text-2"];
  context.textAlign = "right";
  context.fillText("allocated", width - RIGHT, HEIGHT - 7);
  context.textAlign = "left";
  context.fillText("↑ retained", 6, TOP + 1);
}
