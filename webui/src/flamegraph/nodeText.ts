/** What is said of one node: in the tooltip, in the line below the picture, to the screen reader, on the clipboard. */

import type { Frame } from "../data/forms";
import { estimateText } from "../lib/estimates";
import { frameLabel, frameLabels, isNoPython, NO_PYTHON_HELP, shortPlace, visible } from "../lib/text";
import { formatBytes, formatBytesChange, formatCount, formatShare } from "../lib/units";
import { frameOf, isOther, type FlameTree } from "./tree";

export function nodeTitle(tree: FlameTree, node: number): string {
  if (node === 0) {
    return "All";
  }
  if (tree.folds.has(node)) {
    return tree.form.rows[node] ?? "";
  }
  return isOther(tree, node) ? "(other): nodes too small to be shown" : labelOf(frameOf(tree, node));
}

function labelOf(frame: Frame | null | undefined): string {
  return frame ? frameLabel(frame) : "";
}

/** What is written on the bar of a node below the root: the first that fits, or the beginning of the last. */
export function barLabels(tree: FlameTree, node: number): string[] {
  if (isOther(tree, node)) {
    return ["(other)"];
  }
  const frame = frameOf(tree, node);
  if (frame === null) {
    return [];
  }
  if (tree.folds.has(node)) {
    return [`▸ ${visible(tree.form.rows[node] ?? "")}`];
  }
  const line = tree.form.merge === "line" && frame.line > 0 ? `:${frame.line}` : "";
  return frameLabels(frame).map((label) => visible(label) + line);
}

const FOLD_HELP = "Outside of the program; Enter or a click unfolds them";

export function nodePlace(tree: FlameTree, node: number): string {
  const frame = frameOf(tree, node);
  if (frame === null) {
    return "";
  }
  if (tree.folds.has(node)) {
    return FOLD_HELP;
  }
  return isNoPython(frame.function) ? NO_PYTHON_HELP : `${visible(frame.file)}${frame.line > 0 ? `:${frame.line}` : ""}`;
}

function bytesWithError(tree: FlameTree, bytes: ArrayLike<number>, errors: ArrayLike<number>, node: number): string {
  const value = bytes[node] ?? 0;
  const error = errors[node] ?? 0;
  if (tree.form.is_difference) {
    return formatBytesChange(value) + (error > 0 ? ` ± ${formatBytes(error)}` : "");
  }
  return estimateText({ value, error });
}

export function nodeFacts(tree: FlameTree, node: number): [string, string][] {
  const { nodes, is_difference, total } = tree.form;
  const facts: [string, string][] = [
    [is_difference ? "Change" : "With callees", bytesWithError(tree, nodes.bytes, nodes.error, node)],
  ];
  const folded = tree.folds.get(node);
  if (folded === undefined) {
    facts.push(["Itself", bytesWithError(tree, nodes.self_bytes, nodes.self_error, node)]);
  }
  if (is_difference && nodes.base_bytes !== undefined) {
    facts.push(["Before", formatBytes(nodes.base_bytes[node] ?? 0)]);
  } else if (total.value > 0) {
    facts.push(["Share", formatShare((nodes.bytes[node] ?? 0) / total.value)]);
  }
  const allocations = { value: nodes.allocations[node] ?? 0, error: nodes.allocations_error[node] ?? 0 };
  facts.push(["Allocations", estimateText(allocations, formatCount)], ["Samples", formatCount(nodes.samples[node] ?? 0)]);
  const place = frameOf(tree, node);
  if (folded !== undefined) {
    facts.push(["From", labelOf(folded[0])], ["To", labelOf(folded.at(-1))]);
  } else if (place !== null && !isNoPython(place.function)) {
    facts.push(["Where", shortPlace(place.file, place.line)]);
  }
  return facts;
}

export function nodeText(tree: FlameTree, node: number): string {
  return `${visible(nodeTitle(tree, node))}, ${nodeFacts(tree, node)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")}`;
}

/** The stack down to the node, as text: one frame a line, innermost last, as a traceback has it. */
export function stackText(tree: FlameTree, node: number): string {
  const frames = (tree.folds.get(node) ?? []).slice(1);
  for (let at = node; at > 0; at = tree.form.nodes.parent[at] ?? 0) {
    const frame = frameOf(tree, at);
    frames.unshift(...(frame === null ? [] : [frame]));
  }
  return frames
    .map(({ function: name, file, line }) => `${file}${line > 0 ? `:${line}` : ""} ${name}`)
    .join("\n");
}
