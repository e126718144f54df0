/** When a figure says too little to be shown as precise: as memlyze/analyses/estimates.py has it. */

import type { Estimate } from "../data/forms";
import { formatBytes, formatError } from "./units";

/** The relative error of a figure that rests on ten samples which count alike. */
export const FEW_SAMPLES_ERROR = 0.62;

export function restsOnFew({ value, error }: Estimate): boolean {
  return error > FEW_SAMPLES_ERROR * Math.abs(value);
}

/** The sum of estimates that vary apart, such as of slices of time. Those of nothing do not widen that of something. */
export function summed(values: readonly number[], errors: readonly number[]): Estimate {
  let [value, variance, unseen] = [0, 0, 0];
  values.forEach((part, index) => {
    const error = errors[index] ?? 0;
    value += part;
    if (Math.abs(part) < 0.5) {
      unseen = Math.max(unseen, error);
    } else {
      variance += error * error;
    }
  });
  return { value, error: variance > 0 || Math.abs(value) >= 0.5 ? Math.sqrt(variance) : unseen };
}

/** An estimate where there is no room for more: `40.5 MiB`, or `~512 KiB`. */
export function shortFigure(estimate: Estimate, format: (value: number) => string = formatBytes): string {
  return `${restsOnFew(estimate) ? "~" : ""}${format(estimate.value)}`;
}

/** `40.5 MiB ±21 %`, `~512 KiB (few samples)`, or `~0 B`, where nothing was recorded of what there may be. */
export function estimateText(estimate: Estimate, format: (value: number) => string = formatBytes): string {
  if (restsOnFew(estimate)) {
    return `${shortFigure(estimate, format)}${estimate.value === 0 ? "" : " (few samples)"}`;
  }
  return `${format(estimate.value)} ${formatError(estimate)}`.trim();
}
