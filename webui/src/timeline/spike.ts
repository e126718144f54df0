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
/** What is below this share of the height is the ground that the spike stands on; what is as near to the top is its top. */
const GROUND = 0.05;
/** The first of a rise is still on the ground: its foot is the lowest within so many buckets and this share of the slope from there. */
const FOOT_BUCKETS = 2;
const FOOT = 0.2;
/** Where memory stays after its rise, the rise is over this near to the top. */
const LEVEL = 0.01;
/** A rise must be at least this share of all that is seen. */
const LEAST_HEIGHT = 0.03;
/** A rise that takes longer than this share of what is seen is growth, and no spike. */
const LONGEST = 0.4;
/** How far below the straight line from ground to top a bend must be to be the foot of a steep rise after slow growth, as
 * a share of the height. An even or exponential slope has no such bend. */
const BEND = 0.4;

interface Slope {
  /** The last bucket of the top, which may be flat. */
  readonly edge: number;
  /** The nearest bucket of the ground. */
  readonly foot: number;
  /** How high the ground is. */
  readonly ground: number;
}

/** The way down from the peak in one direction. A rise of less than `noise` ends nothing. */
function descend(values: readonly number[], peak: number, step: 1 | -1, noise: number, from: number, to: number): Slope {
  const top = values[peak] ?? 0;
  let lowest = top;
  let end = peak;
  for (let index = peak + step; index >= from && index < to; index += step) {
    const value = values[index] ?? 0;
    if (value < lowest) {
      lowest = value;
      end = index;
    } else if (value - lowest > Math.max(noise, RISE_AGAIN * (top - lowest))) {
      break;
    }
  }
  let edge = peak;
  for (let index = peak; index !== end; index += step) {
    if ((values[index] ?? 0) >= top - GROUND * (top - lowest)) {
      edge = index;
    }
  }
  const onGround = firstBelow(values, peak, end, step, lowest + GROUND * (top - lowest));
  return bent(values, edge, lowestNear(values, onGround, end, step, FOOT_BUCKETS + Math.ceil(FOOT * Math.abs(onGround - edge))), lowest);
}

/** The nearest of the lowest buckets from `start` on, `reach` buckets at most, and not beyond `end`. */
function lowestNear(values: readonly number[], start: number, end: number, step: 1 | -1, reach: number): number {
  let lowest = start;
  for (let index = start; Math.abs(index - start) <= reach; index += step) {
    if ((values[index] ?? 0) < (values[lowest] ?? 0)) {
      lowest = index;
    }
    if (index === end) {
      break;
    }
  }
  return lowest;
}

/** The first bucket on the way that is down to `level`, rather than the very lowest far away. */
function firstBelow(values: readonly number[], start: number, end: number, step: 1 | -1, level: number): number {
  let index = start;
  while (index !== end && (values[index] ?? 0) > level) {
    index += step;
  }
  return index;
}

/** The slope, cut off at the bend where memory had only crept up to it, or crept down after it. */
function bent(values: readonly number[], edge: number, foot: number, ground: number): Slope {
  const top = values[edge] ?? 0;
  const step = foot < edge ? -1 : 1;
  const length = Math.abs(foot - edge);
  let deepest = BEND;
  let bend = foot;
  for (let distance = 1; distance < length; distance += 1) {
    const index = edge + step * distance;
    const depth = 1 - distance / length - ((values[index] ?? 0) - ground) / (top - ground);
    if (depth > deepest) {
      deepest = depth;
      bend = index;
    }
  }
  return bend === foot ? { edge, foot, ground } : bent(values, edge, bend, values[bend] ?? 0);
}

/** The highest bucket on the way up from `start` in one direction. A fall of less than `noise` ends nothing. */
function climb(values: readonly number[], start: number, step: 1 | -1, noise: number, from: number, to: number): number {
  const bottom = values[start] ?? 0;
  let highest = start;
  for (let index = start + step; index >= from && index < to; index += step) {
    const value = values[index] ?? 0;
    const top = values[highest] ?? 0;
    if (value > top) {
      highest = index;
    } else if (top - value > Math.max(noise, RISE_AGAIN * (top - bottom))) {
      break;
    }
  }
  return highest;
}

/** The spike whose rise, top or fall is at `near`, or that is narrow and within `reach` buckets of it; null where memory is
 * flat, or only grows. Only the buckets `from` to `to` are seen. */
export function findSpike(values: readonly number[], near: number, reach: number, from = 0, to = values.length): Spike | null {
  if (to <= from) {
    return null;
  }
  const clicked = Math.min(Math.max(near, from), to - 1);
  let [least, greatest, nearest] = [Infinity, -Infinity, clicked];
  for (let index = from; index < to; index += 1) {
    const value = values[index] ?? 0;
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
    if (Math.abs(index - clicked) <= reach && value > (values[nearest] ?? 0)) {
      nearest = index;
    }
  }
  const noise = LEAST_HEIGHT * (greatest - Math.min(least, 0) || 1);
  const longest = LONGEST * (to - from);

  const spikeAt = (peak: number): Spike | null => {
    const top = values[peak] ?? 0;
    let before = descend(values, peak, -1, noise, from, to);
    let after = descend(values, peak, 1, noise, from, to);
    // Where memory grew before, or shrank after, too evenly for a bend: what rises above both sides.
    const saddle = Math.max(before.ground, after.ground);
    const level = saddle + GROUND * (top - saddle);
    if (top - saddle > noise) {
      if (before.edge - before.foot > longest) {
        before = { ...before, foot: firstBelow(values, peak, before.foot, -1, level), ground: saddle };
      }
      if (after.foot - after.edge > longest) {
        after = { ...after, foot: firstBelow(values, peak, after.foot, 1, level), ground: saddle };
      }
    }
    const height = top - before.ground;
    if (height <= 0 || height < noise || before.edge - before.foot > longest) {
      return null;
    }
    if (top - after.ground > 0.1 * height && after.foot - after.edge <= longest) {
      const greatestAt = values.indexOf(Math.max(...values.slice(before.foot, after.foot + 1)), before.foot);
      return { from: before.foot, peak: greatestAt, to: after.foot + 1 };
    }
    let end = before.foot;
    while ((values[end] ?? 0) < top - LEVEL * height) {
      end += 1;
    }
    return { from: before.foot, peak: end, to: end + 1 };
  };
  // A narrow spike is hard to hit.
  const isMeant = ({ from: first, peak, to: end }: Spike) =>
    (clicked >= first && clicked < end) || (end - first <= 2 * reach && Math.abs(clicked - peak) <= reach);

  let found: Spike | null = null;
  for (const start of [clicked, nearest]) {
    for (const step of [-1, 1] as const) {
      const side = climb(values, start, step, noise, from, to);
      const spike = spikeAt(climb(values, side, step === 1 ? -1 : 1, noise, from, to));
      if (spike !== null && isMeant(spike) && (found === null || (values[spike.peak] ?? 0) > (values[found.peak] ?? 0))) {
        found = spike;
      }
    }
    if (found !== null) {
      return found;
    }
  }
  return null;
}
