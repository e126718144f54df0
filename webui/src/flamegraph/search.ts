/** Frames that match what was searched for. */

import { frameLabels } from "../lib/text";
import type { FlameTree } from "./tree";

export interface Matches {
  /** Whether each node matches, or one that is folded into it. */
  readonly isMatch: Uint8Array;
  readonly nodes: number;
  /** Bytes of all matches, what lies within another match not counted again. */
  readonly bytes: number;
}

/** `/…/` is a regular expression, anything else a part of the name, of the path or of what is written on the bar; null: not a valid expression. */
export function matcher(search: string): ((text: string) => boolean) | null {
  const expression = /^\/(.+)\/?$/.exec(search);
  if (expression !== null && search.length > 1) {
    try {
      const pattern = new RegExp((expression[1] ?? "").replace(/\/$/, ""), "i");
      return (text) => pattern.test(text);
    } catch {
      return null;
    }
  }
  const part = search.toLowerCase();
  return (text) => text.toLowerCase().includes(part);
}

export function findMatches({ form, count, shownAs }: FlameTree, search: string): Matches | null {
  const matches = matcher(search);
  if (matches === null) {
    return null;
  }
  const frameMatches = form.frames.map((frame) => [frame.function, frame.file, ...frameLabels(frame)].some(matches));
  const { parent } = form.nodes;
  const isMatch = new Uint8Array(count);
  const isWithin = new Uint8Array(count);
  let [nodes, bytes] = [0, 0];
  for (let index = 0; index < count; index += 1) {
    const isBelowMatch = isWithin[parent[index] ?? -1] ?? 0;
    const isOne = frameMatches[form.nodes.frame[index] ?? -1] === true;
    if (isOne) {
      isMatch[shownAs[index] ?? index] = 1;
      nodes += 1;
      bytes += isBelowMatch ? 0 : (form.nodes.bytes[index] ?? 0);
    }
    isWithin[index] = isBelowMatch || Number(isOne);
  }
  return { isMatch, nodes, bytes };
}
