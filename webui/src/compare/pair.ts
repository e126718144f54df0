/** Which of the traces stands before, and which after. */

import type { TraceEntry } from "../data/forms";

export interface Pair {
  readonly before: TraceEntry;
  readonly after: TraceEntry;
}

/** The two to compare: those that were chosen, else the trace that is shown and the one before it; the first, with the one
 * after it. Named ones are in the order of the command line, those of a folder in the order of time. Null: there are no two. */
export function pairOf(traces: readonly TraceEntry[], shown: string, base = "", after = ""): Pair | null {
  const readable = traces.filter(({ state }) => state !== "bad");
  // Those of a folder are listed the newest first.
  const order = [...readable.filter(({ is_named }) => is_named), ...readable.filter(({ is_named }) => !is_named).reverse()];
  const find = (id: string) => order.findIndex((trace) => trace.id === id);
  const pair = (before: number, after: number): Pair | null => {
    const [first, second] = [order[before], order[after]];
    return first === undefined || second === undefined ? null : { before: first, after: second };
  };
  const [chosen, place] = [find(base), find(shown)];
  const chosenAfter = find(after) >= 0 ? find(after) : place;
  if (chosen >= 0 && chosenAfter >= 0 && chosen !== chosenAfter) {
    return pair(chosen, chosenAfter);
  }
  return chosen >= 0 ? pair(chosen, chosen > 0 ? chosen - 1 : 1) : pair(Math.max(place, 1) - 1, Math.max(place, 1));
}
