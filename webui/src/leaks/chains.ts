/** How objects are held: chains of names, merged where they begin alike, and laid out as a graph. */

import { visible } from "../lib/text";
import { formatBytes, formatCount, formatShare, plural } from "../lib/units";

/** As `memlyze leaks --json` prints them. */
export interface Holders {
  readonly time_ns: number;
  readonly objects: number;
  readonly blocks_without_object: number;
  readonly bytes: number;
  readonly retained_bytes: number;
  readonly types: readonly { readonly type: string; readonly objects: number; readonly bytes: number }[];
  readonly shortest: Chain | null;
  readonly chains: readonly Chain[];
  readonly holder: { readonly text: string; readonly type: string; readonly retained_bytes: number; readonly share: number } | null;
  readonly shared_share: number;
  readonly containers: readonly { readonly object_id: number | null; readonly objects: number; readonly text: string; readonly type: string; readonly share: number }[];
  readonly are_all_containers: boolean;
  readonly freed_with_containers: number;
}

export interface Chain {
  readonly text: string;
  readonly root: string;
  readonly share: number;
}

const TYPES = 4;
const MOSTLY_SHARED = 0.5;
const NEARLY_ALL = 0.9;

/** What a checkpoint has found of what a line allocated, in sentences. */
export function foundText({ objects, bytes, retained_bytes, types, blocks_without_object: blocks }: Holders): string {
  const ofC = `${plural(blocks, "block")} of C code, which Python objects may own: they do not say so.`;
  if (objects === 0) {
    return blocks > 0 ? `No Python object, but ${ofC}` : "No Python object was found of it.";
  }
  const kinds = types.slice(0, TYPES).map(({ type, objects: count }) => `${formatCount(count)} ${visible(type)}`).join(", ");
  const text = `${plural(objects, "recorded object")}, ${formatBytes(bytes)}${kinds === "" ? "" : ` (${kinds})`}; freeing ${objects === 1 ? "it" : "them"} would free ${formatBytes(retained_bytes)}${blocks > 0 ? " of Python objects, and what C code has for them" : ""}.`;
  return blocks > 0 ? `${text} Beside ${objects === 1 ? "it" : "them"} ${ofC}` : text;
}

/** Where several objects have what a line allocated, so that it stays if only one lets go: a sentence, which ends in a colon where these are known; or null. One that stands for several alike needs no words. */
export function containersText({ containers, are_all_containers: areAll, freed_with_containers: freed, holder, shared_share: shared }: Holders): string | null {
  if (containers.length === 0) {
    return holder === null && shared >= MOSTLY_SHARED ? `Several objects hold it at once: ${formatShare(shared)} of it stays if only one of them lets go.` : null;
  }
  if (containers.length === 1) {
    return null;
  }
  const what = containers.every(({ share }) => share >= NEARLY_ALL) ? "it" : "what is in several";
  const others = areAll ? "" : ", and others; as far as they were found";
  return `${containers.length} at once${others}: ${what} stays until each of them lets go of it${freed > 0 ? `, and then ${formatBytes(freed)} would be freed` : ""}:`;
}

/** One of them, or several that are alike. */
export function containerText({ text, object_id: id, objects }: Holders["containers"][number]): string {
  return id === null ? `${visible(text)} (${formatCount(objects)} of these)` : visible(text);
}

export interface ChainNode {
  readonly text: string;
  readonly depth: number;
  /** In rows, from the top. */
  readonly row: number;
  readonly share: number;
  readonly children: ChainNode[];
}

const ARROW = " → ";

interface Growing {
  readonly text: string;
  readonly children: Map<string, Growing>;
  share: number;
}

function place(node: Growing, depth: number, firstRow: number): [ChainNode, number] {
  const children: ChainNode[] = [];
  let row = firstRow;
  for (const child of node.children.values()) {
    const [placed, next] = place(child, depth + 1, row);
    children.push(placed);
    row = next;
  }
  const middle = children.length === 0 ? firstRow : ((children[0]?.row ?? 0) + (children.at(-1)?.row ?? 0)) / 2;
  return [{ text: node.text, depth, row: middle, share: node.share, children }, Math.max(row, firstRow + 1)];
}

/** Of each depth the length of its longest text. */
export function longestTexts(roots: readonly ChainNode[]): number[] {
  const lengths: number[] = [];
  const visit = ({ text, depth, children }: ChainNode) => {
    lengths[depth] = Math.max(lengths[depth] ?? 0, text.length);
    children.forEach(visit);
  };
  roots.forEach(visit);
  return lengths;
}

/** The roots of the graph, and how many rows it takes. */
export function chainGraph(chains: readonly Chain[]): { roots: ChainNode[]; rows: number } {
  const top: Growing = { text: "", children: new Map(), share: 1 };
  for (const { text, share } of chains) {
    let at = top;
    for (const part of text.split(ARROW)) {
      const next: Growing = at.children.get(part) ?? { text: part, children: new Map(), share: 0 };
      next.share += share;
      at.children.set(part, next);
      at = next;
    }
  }
  const [{ children }, rows] = place(top, -1, 0);
  return { roots: children, rows };
}
