/** The evidence for a verdict: the curve of live bytes, and the trend with its interval. */

import type { LeakSite } from "./form";

export interface Evidence {
  readonly curve: readonly (readonly [number, number])[];
  readonly trend: readonly (readonly [number, number])[];
  readonly band: readonly (readonly [number, number, number])[];
}

const BAND_POINTS = 24;

/** The curve over the life of the process, from `startNs` to `endNs`. */
export function evidence(site: LeakSite, startNs: number, endNs: number): Evidence {
  const { curve, growing_since_ns: since, judged_until_ns: until, growth_bytes_per_second: growth } = site;
  const step = (endNs - startNs) / Math.max(1, curve.length - 1);
  const points = curve.map((bytes, index) => [startNs + index * step, bytes] as const);
  if (until <= since || points.length < 2) {
    return { curve: points, trend: [], band: [] };
  }
  const judged = points.filter(([time]) => time >= since && time <= until);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const middle = judged.length > 0 ? mean(judged.map(([time]) => time)) : (since + until) / 2;
  const level = judged.length > 0 ? mean(judged.map(([, bytes]) => bytes)) : mean(curve);
  const at = (time: number, slope: number) => level + ((time - middle) / 1e9) * slope;
  const times = Array.from({ length: BAND_POINTS + 1 }, (_, index) => since + ((until - since) * index) / BAND_POINTS);
  return {
    curve: points,
    trend: times.map((time) => [time, Math.max(0, at(time, growth.value))] as const),
    band: times.map((time) => {
      const edges = [at(time, growth.value - growth.error), at(time, growth.value + growth.error)];
      return [time, Math.max(0, Math.min(...edges)), Math.max(0, ...edges)] as const;
    }),
  };
}
