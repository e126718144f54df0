/** What may be chance although its own interval excludes 0: `docs/diff.md` says how rows are judged. */

import type { Change } from "./form";

type Judged = Pick<Change, "change" | "is_beyond_chance">;

/** Whether the 95 % interval alone would say that it is beyond chance, and the judgement does not. */
export function excludesZeroByChance({ change, is_beyond_chance }: Judged): boolean {
  return !is_beyond_chance && change.error > 0 && Math.abs(change.value) > change.error;
}

/** Why a row may be chance, in a sentence; undefined: it is beyond it. */
export function chanceTitle(figure: Judged): string | undefined {
  if (figure.is_beyond_chance || figure.change.value === 0) {
    return undefined;
  }
  return excludesZeroByChance(figure) ? "It may be chance: more than its ± is asked where many rows are compared, or samples are few" : "It may be chance";
}
