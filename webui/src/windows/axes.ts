/** The axes on which windows are dots, both by powers of two. */

import type { Palette } from "../lib/theme";
import { formatBytes } from "../lib/units";

const LEFT = 66;
const RIGHT = 14;
/** Room for the title of the upward axis above its greatest tick. */
const TOP = 26;
const BOTTOM = 36;
export const HEIGHT = 300;
const TITLE_Y = 8;
/** Room for a large dot at the least of both. */
const INSET = 18;
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

export interface Axes {
  readonly x: Axis;
  readonly y: Axis;
}

/** What was allocated to the right, what is retained upward. */
export function axesOf(allocated: readonly number[], retained: readonly number[], width: number): Axes {
  return {
    x: logAxis(allocated, LEFT + INSET, Math.max(LEFT + INSET + 1, width - RIGHT)),
    y: logAxis(retained, HEIGHT - BOTTOM - INSET, TOP),
  };
}

/** Lines and labels of both axes. */
export function drawAxes(context: CanvasRenderingContext2D, { x, y }: Axes, width: number, palette: Palette): void {
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
  context.fillText("↑ retained", 6, TITLE_Y);
}
