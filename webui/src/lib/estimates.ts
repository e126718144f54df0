/** When a figure says too little to be shown as precise: as memlyze/analyses/estimates.py has it. */

import type { Estimate } from "../data/forms";
import { formatBytes, formatError } from "./units";

/** The relative error of a figure that rests on ten samples which count alike. */
export const FEW_SAMPLES_ERROR = 0.62;

export function restsOnFew({ value, error }: Estimate): boolean {
  return error > FEW_SAMPLES_ERROR * Math.abs(value);
}

/** `40.5 MiB ±21 %`, `~512 KiB (few samples)`, or `~0 B`, where nothing was recorded of what there may be. */
export function estimateText(estimate: Estimate, format: (value: number) => string = formatBytes): string {
  if (restsOnFew(estimate)) {
    return `~${format(estimate.value)}${estimate.value === 0 ? "" : " (few samples)"}`;
  }
  return `${format(estimate.value)} ${formatError(estimate)}`.trim();
}
