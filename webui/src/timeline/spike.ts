/** Where a spike begins and ends: what a click on the timeline means. */

export interface Spike {
  /** First bucket of the rise. */
  readonly from: number;
  readonly peak: number;
  /** Bucket after the last of the fall; after the peak where memory stayed. */
  readonly to: number;
}

/** A new rise of this share of the spike's height ends it. */
const RISE_AGAIN = 0.25;
/** What is below this share of the height is the ground that the spike stands on. */
const GROUND = 0.05;
/** A rise must be at least this share of all that is seen. */
const LEAST_HEIGHT = 0.03;
/** A rise that takes longer than this share of what is seen is growth, and no spike. */
const LONGEST = 0.4;

/** The way down from the peak in one direction: the nearest bucket of the ground, and how high it is. A rise of less
 * than `noise` ends nothing. */
function descend(values: readonly number[], peak: number, step: 1 | -1, noise: number): { index: number; value: number } {
  const top = values[peak] ?? 0;
  let lowest = top;
  let end = peak;
  for (let index = peak + step; index >= 0 && index < values.length; index += step) {
    const value = values[index] ?? 0;
    if (value < lowest) {
      lowest = value;
      end = index;
    } else if (value - lowest > Math.max(noise, RISE_AGAIN * (top - lowest))) {
      break;
    }
  }
  // The first bucket on the way that is down to the ground, rather than the very lowest far away.
  for (let index = peak; index !== end; index += step) {
    if ((values[index] ?? 0) <= lowest + GROUND * (top - lowest)) {
      return { index, value: lowest };
    }
  }
  return { index: end, value: lowest };
}

/** The spike at `near`, or within `reach` buckets of it; null where memory is flat, or only grows. */
export function findSpike(values: readonly number[], near: number, reach: number, from = 0, to = values.length): Spike | null {
  const first = Math.max(from, near - reach);
  const last = Math.min(to - 1, near + reach);
  let peak = Math.min(Math.max(near, from), to - 1);
  for (let index = first; index <= last; index += 1) {
    if ((values[index] ?? 0) > (values[peak] ?? 0)) {
      peak = index;
    }
  }
  const top = values[peak] ?? 0;
  let [least, greatest] = [Infinity, -Infinity];
  for (let index = from; index < to; index += 1) {
    least = Math.min(least, values[index] ?? 0);
    greatest = Math.max(greatest, values[index] ?? 0);
  }
  const noise = LEAST_HEIGHT * (greatest - Math.min(least, 0) || 1);
  const before = descend(values, peak, -1, noise);
  const after = descend(values, peak, 1, noise);
  const height = top - before.value;
  if (height <= 0 || height < noise || peak - before.index > LONGEST * (to - from)) {
    return null;
  }
  const falls = top - after.value > 0.1 * height;
  return { from: before.index, peak, to: falls && after.index - peak <= LONGEST * (to - from) ? after.index + 1 : peak + 1 };
}
