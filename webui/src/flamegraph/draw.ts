/** Draws a laid out tree. */

import { CANVAS_FONT, fitText, type Size } from "../lib/canvas";
import { originColour } from "../lib/origins";
import { translucent, type Palette } from "../lib/theme";
import { barLabels } from "./nodeText";
import type { Matches } from "./search";
import { frameOf, type FlameTree } from "./tree";

export const ROW_HEIGHT = 20;
const LEAST_PX = 0.6;
const LABEL_FROM_PX = 24;
const CHARACTER_PX = 6.2;

export interface FlamePicture {
  readonly tree: FlameTree;
  readonly size: Size;
  /** The part of the width that is visible, as shares of the root. */
  readonly from: number;
  readonly to: number;
  readonly scrollTop: number;
  /** Whether the root is at the bottom. */
  readonly isUpward: boolean;
  readonly rootLabel: string;
  readonly focus: number;
  readonly hover: number;
  readonly matches: Matches | null;
  readonly palette: Palette;
}

/** Height of the whole picture. */
export function flameHeight({ maxDepth }: FlameTree): number {
  return (maxDepth + 1) * ROW_HEIGHT;
}

/** Top of a node's row, in the picture as a whole. */
export function rowTop(tree: FlameTree, depth: number, isUpward: boolean, viewHeight: number): number {
  return isUpward ? Math.max(flameHeight(tree), viewHeight) - (depth + 1) * ROW_HEIGHT : depth * ROW_HEIGHT;
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
}

/** The fill of a node, and the text on it. */
function colours({ tree, palette }: FlamePicture, node: number): [string, string] {
  const frame = frameOf(tree, node);
  if (tree.form.is_difference && node > 0) {
    return differenceColours(tree, palette, node);
  }
  if (frame === null || tree.folds.has(node)) {
    return [palette.hover, palette["text-2"]];
  }
  const fill = palette[originColour(frame)];
  return [fill, luminance(fill) > 0.48 ? "#15181e" : "#eef0f5"];
}

function differenceColours(tree: FlameTree, palette: Palette, node: number): [string, string] {
  const change = tree.form.nodes.bytes[node] ?? 0;
  const error = tree.form.nodes.error[node] ?? 0;
  const base = tree.form.nodes.base_bytes?.[node] ?? 0;
  const share = Math.min(1, Math.abs(change) / Math.max(base, base + change, 1));
  // What may be chance alone keeps the colour of nothing.
  const strength = Math.abs(change) <= error ? 0 : 0.18 + 0.72 * share;
  return [strength === 0 ? palette.hover : translucent(change > 0 ? palette.more : palette.less, strength), palette.text];
}

function writtenOn(context: CanvasRenderingContext2D, { tree, rootLabel }: FlamePicture, node: number, width: number): string {
  const labels = node === 0 ? [rootLabel] : barLabels(tree, node);
  let text = "";
  for (const label of labels) {
    text = fitText(context, label, width, CHARACTER_PX);
    if (text === label) {
      break;
    }
  }
  return text;
}

export function drawFlame(context: CanvasRenderingContext2D, picture: FlamePicture): void {
  const { tree, size, from, to, scrollTop, isUpward } = picture;
  const scale = size.width / (to - from);
  context.font = `11.5px ${CANVAS_FONT}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  // Nodes beside each other that are narrower than a pixel are one mark.
  const drawnTo = new Float64Array(tree.maxDepth + 1).fill(-1);
  for (let node = 0; node < tree.count; node += 1) {
    if (tree.shownAs[node] !== node) {
      continue;
    }
    const width = (tree.width[node] ?? 0) * scale;
    const x = ((tree.left[node] ?? 0) - from) * scale;
    const depth = tree.depth[node] ?? 0;
    const y = rowTop(tree, depth, isUpward, size.height) - scrollTop;
    if (x > size.width || x + width < 0 || y > size.height || y < -ROW_HEIGHT) {
      continue;
    }
    if (width < LEAST_PX && x + width - (drawnTo[depth] ?? -1) < LEAST_PX) {
      continue;
    }
    drawnTo[depth] = Math.max(x + width, x + LEAST_PX);
    drawNode(context, picture, node, Math.max(x, 0), y, Math.min(x + width, size.width) - Math.max(x, 0));
  }
}

function drawNode(context: CanvasRenderingContext2D, picture: FlamePicture, node: number, x: number, y: number, width: number): void {
  const { matches, palette, focus, hover } = picture;
  const [fill, text] = colours(picture, node);
  const isDimmed = matches !== null && !matches.isMatch[node];
  context.globalAlpha = isDimmed ? 0.36 : 1;
  context.fillStyle = fill;
  const gap = width > 3 ? 1 : 0;
  context.fillRect(x, y, Math.max(LEAST_PX, width - gap), ROW_HEIGHT - 1);
  if (node === hover && width > 1) {
    context.fillStyle = translucent(palette.text, 0.14);
    context.fillRect(x, y, width - gap, ROW_HEIGHT - 1);
  }
  if (width > LABEL_FROM_PX) {
    context.fillStyle = text;
    context.fillText(writtenOn(context, picture, node, width - 8), x + 4, y + ROW_HEIGHT / 2);
  }
  context.globalAlpha = 1;
  if (node === focus && node > 0) {
    context.strokeStyle = palette.text;
    context.lineWidth = 1.5;
    context.strokeRect(x + 0.75, y + 0.75, Math.max(1, width - gap - 1.5), ROW_HEIGHT - 2.5);
  }
}
