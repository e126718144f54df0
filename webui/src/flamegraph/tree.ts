/** The tree of a flame graph, laid out: where each node stands, apart from how it is drawn. */

import type { Flamegraph, Frame } from "../data/forms";

const ROOT = -1;
const OTHER = -2;

export interface FlameTree {
  readonly form: Flamegraph;
  readonly count: number;
  /** Above each node, in the picture: its caller, or the row that this is folded into. `form.nodes.parent` has the callers. */
  readonly parent: Int32Array;
  /** The node whose row shows each node: another one where it is folded into that. */
  readonly shownAs: Int32Array;
  /** The frames of each row that stands for several, outermost first, by its node. */
  readonly folds: ReadonlyMap<number, readonly Frame[]>;
  readonly depth: Int32Array;
  /** Left edge and width of each node, as shares of the root. */
  readonly left: Float64Array;
  readonly width: Float64Array;
  /** Tells the place of a node in the tree, the same in every answer: a hash of the frames above it. */
  readonly path: Uint32Array;
  readonly maxDepth: number;
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
}

/** What a node takes of the width: what it holds now or held in the base, whichever is more. */
function weights(form: Flamegraph): Float64Array {
  const { parent, bytes, self_bytes, base_bytes } = form.nodes;
  if (!form.is_difference || base_bytes === undefined) {
    return Float64Array.from(bytes, (value) => Math.max(0, value));
  }
  const baseOfChildren = new Float64Array(parent.length);
  for (let index = 0; index < parent.length; index += 1) {
    const above = parent[index] ?? ROOT;
    if (above >= 0) {
      baseOfChildren[above] = (baseOfChildren[above] ?? 0) + (base_bytes[index] ?? 0);
    }
  }
  const weight = new Float64Array(parent.length);
  for (let index = parent.length - 1; index >= 0; index -= 1) {
    const selfBase = (base_bytes[index] ?? 0) - (baseOfChildren[index] ?? 0);
    const selfNow = (self_bytes[index] ?? 0) + selfBase;
    weight[index] = (weight[index] ?? 0) + Math.max(0, selfBase, selfNow);
    const above = parent[index] ?? ROOT;
    if (above >= 0) {
      weight[above] = (weight[above] ?? 0) + (weight[index] ?? 0);
    }
  }
  return weight;
}

function hashed(seed: number, text: string): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** Which rows of several frames are unfolded, by their paths. */
export type Unfolded = ReadonlySet<string> | "all";

export function layOut(form: Flamegraph, unfolded: Unfolded = "all"): FlameTree {
  const { parent: caller, frame, fold } = form.nodes;
  const count = caller.length;
  const parent = new Int32Array(count);
  const shownAs = new Int32Array(count);
  const folds = new Map<number, Frame[]>();
  const weight = weights(form);
  const total = weight[0] || 1;
  const depth = new Int32Array(count);
  const left = new Float64Array(count);
  const width = new Float64Array(count);
  const path = new Uint32Array(count);
  const filledTo = new Float64Array(count);
  const firstChild = new Int32Array(count).fill(-1);
  const lastChild = new Int32Array(count).fill(-1);
  const nextSibling = new Int32Array(count).fill(-1);
  const names = form.frames.map(({ function: name, file, line }) => `${name}\0${file}\0${line}`);
  let maxDepth = 0;
  for (let index = 0; index < count; index += 1) {
    const calledBy = caller[index] ?? ROOT;
    path[index] = hashed(calledBy < 0 ? 0x811c9dc5 : (path[calledBy] ?? 0), names[frame[index] ?? ROOT] ?? String(frame[index]));
    const above = calledBy < 0 ? ROOT : (shownAs[calledBy] ?? ROOT);
    parent[index] = above;
    shownAs[index] = index;
    width[index] = (weight[index] ?? 0) / total;
    const row = fold[index] ?? ROOT;
    if (row >= 0 && unfolded !== "all" && !unfolded.has((path[row] ?? 0).toString(36))) {
      const shown = form.frames[frame[index] ?? ROOT];
      folds.set(row, [...(folds.get(row) ?? []), ...(shown === undefined ? [] : [shown])]);
      if (row !== index) {
        shownAs[index] = row;
        depth[index] = depth[row] ?? 0;
        left[index] = left[row] ?? 0;
        continue;
      }
    }
    if (above >= 0) {
      depth[index] = (depth[above] ?? 0) + 1;
      left[index] = filledTo[above] ?? 0;
      filledTo[above] = (filledTo[above] ?? 0) + (width[index] ?? 0);
      const before = lastChild[above] ?? -1;
      if (before < 0) {
        firstChild[above] = index;
      } else {
        nextSibling[before] = index;
      }
      lastChild[above] = index;
    }
    filledTo[index] = left[index] ?? 0;
    maxDepth = Math.max(maxDepth, depth[index] ?? 0);
  }
  return { form, count, parent, shownAs, folds, depth, left, width, path, maxDepth, firstChild, nextSibling };
}

export function frameOf({ form }: FlameTree, node: number): Frame | null {
  return form.frames[form.nodes.frame[node] ?? ROOT] ?? null;
}

export function isOther({ form }: FlameTree, node: number): boolean {
  return form.nodes.frame[node] === OTHER;
}

/** From the root to the node, as the picture has them. */
export function ancestry(tree: FlameTree, node: number): number[] {
  const way: number[] = [];
  for (let at = node; at >= 0; at = tree.parent[at] ?? ROOT) {
    way.push(at);
  }
  return way.reverse();
}

/** The node at a place of the picture, or -1. */
export function nodeAt(tree: FlameTree, share: number, depth: number): number {
  let node = share >= 0 && share < (tree.width[0] ?? 0) ? 0 : -1;
  while (node >= 0 && (tree.depth[node] ?? 0) < depth) {
    let child = tree.firstChild[node] ?? -1;
    while (child >= 0 && share >= (tree.left[child] ?? 0) + (tree.width[child] ?? 0)) {
      child = tree.nextSibling[child] ?? -1;
    }
    node = child >= 0 && share >= (tree.left[child] ?? 0) ? child : -1;
  }
  return node;
}

/** The node that shows the one with this path; the root if there is none. */
export function nodeOfPath(tree: FlameTree, path: string | undefined): number {
  if (path === undefined) {
    return 0;
  }
  const wanted = Number.parseInt(path, 36);
  return tree.shownAs[Math.max(0, tree.path.indexOf(wanted))] ?? 0;
}

export function pathOf(tree: FlameTree, node: number): string {
  return (tree.path[node] ?? 0).toString(36);
}
