/** The answer of the route `compare`, as `memlyze diff --json` prints it. */

import type { Compare, Estimate } from "../data/forms";

/** How many rows are asked for. */
export const ROWS = 200;

/** What can be compared, as `memlyze diff --measure` names it. */
export const MEASURES = ["peak", "live", "allocated", "allocations"] as const;
export type Measure = (typeof MEASURES)[number];

export const MEASURE_TITLES: Readonly<Record<Measure, string>> = {
  peak: "Live when most was",
  live: "Not freed",
  allocated: "Allocated",
  allocations: "Allocations",
};

export interface Change {
  readonly before: Estimate;
  readonly after: Estimate;
  readonly change: Estimate;
  readonly p_value: number;
  readonly is_beyond_chance: boolean;
}

export interface Position {
  readonly file: string;
  readonly line: number;
}

export interface Difference {
  readonly place: { readonly module: string; readonly function: string };
  readonly callers: readonly { readonly module: string; readonly function: string }[];
  readonly position_before: Position | null;
  readonly position_after: Position | null;
  readonly figure: Change;
  readonly samples_before: number;
  readonly samples_after: number;
  readonly has_too_few_samples: boolean;
}

/** What a recording is of; empty where it is not known. */
export interface Ran {
  readonly program: string;
  readonly python_version: string;
}

export interface DiffForm {
  readonly before: Ran;
  readonly after: Ran;
  readonly by: string;
  readonly measure: Measure;
  readonly totals: Readonly<Record<string, Change | null>>;
  readonly row_count: number;
  readonly beyond_chance_count: number;
  readonly rows: readonly Difference[];
}

export function diffForm(answer: Compare): DiffForm {
  return answer as unknown as DiffForm;
}
