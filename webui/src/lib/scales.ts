/** Positions of round values on an axis. */

const BYTE_STEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const TIME_STEPS_NS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
  .flatMap((step) => [step, step * 1e3, step * 1e6])
  .concat([1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400].map((step) => step * 1e9))
  .sort((a, b) => a - b);

/** A step between ticks of a time axis that gives at most `most` of them. */
export function timeStep(spanNs: number, most: number): number {
  return TIME_STEPS_NS.find((step) => spanNs / step <= most) ?? Math.ceil(spanNs / most / 86400e9) * 86400e9;
}

/** A step between ticks of an axis of bytes that gives at most `most` of them: powers of two, in round units. */
export function byteStep(spanBytes: number, most: number): number {
  for (let unit = 1; ; unit *= 1024) {
    const step = BYTE_STEPS.find((count) => spanBytes / (count * unit) <= most);
    if (step !== undefined) {
      return step * unit;
    }
  }
}

/** Multiples of `step` from `from` to `to`. */
export function ticks(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}
