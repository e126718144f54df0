/** Figures as people read them. Units are decided here and nowhere else (as in memlyze/cli/units.py). */

import type { Estimate } from "../data/forms";

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const COUNT_UNITS: readonly (readonly [number, string])[] = [
  [1e12, " T"],
  [1e9, " G"],
  [1e6, " M"],
  [1e3, " k"],
];
const MINUS = "−";

function threeDigits(value: number): string {
  const magnitude = Math.abs(value);
  const text = magnitude >= 99.95 ? magnitude.toFixed(0) : magnitude >= 9.995 ? magnitude.toFixed(1) : magnitude.toFixed(2);
  return value < 0 ? MINUS + text : text;
}

/** `512 B`, `1.50 KiB`, `230 MiB`: three significant digits. */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes;
  for (const unit of BYTE_UNITS) {
    if (Math.abs(value) < 999.5 || unit === "PiB") {
      return unit === "B" ? `${Math.round(value)} B`.replace("-", MINUS) : `${threeDigits(value)} ${unit}`;
    }
    value /= 1024;
  }
  return "";
}

/** `+1.50 KiB`, `−12.3 ms`: a difference of what `format` formats. */
export function formatChange(change: number, format: (value: number) => string): string {
  return (change > 0 ? "+" : change < 0 ? MINUS : "") + format(Math.abs(change));
}

/** `+1.50 KiB`, `−230 MiB`: a difference. */
export function formatBytesChange(sizeBytes: number): string {
  return formatChange(sizeBytes, formatBytes);
}

/** `950`, `12.3 k`, `4.56 M`. */
export function formatCount(count: number): string {
  for (const [scale, suffix] of COUNT_UNITS) {
    if (Math.abs(count) >= scale * 0.9995) {
      return threeDigits(count / scale) + suffix;
    }
  }
  return String(Math.round(count)).replace("-", MINUS);
}

/** `850 µs`, `12.3 ms`, `4.56 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatDuration(durationNs: number): string {
  if (durationNs === 0) {
    return "0 s";
  }
  if (durationNs < 999.5) {
    return `${Math.round(durationNs)} ns`;
  }
  if (durationNs < 999_500) {
    return `${threeDigits(durationNs / 1e3)} µs`;
  }
  if (durationNs < 999_500_000) {
    return `${threeDigits(durationNs / 1e6)} ms`;
  }
  const seconds = durationNs / 1e9;
  if (seconds < 59.95) {
    return `${threeDigits(seconds)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  }
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** A moment on the time line, as precise as `resolutionNs` asks: `4.5 ms`, `1.25 s`, `0:02:05.3`. */
export function formatMoment(timeNs: number, resolutionNs: number): string {
  const decimals = Math.min(9, Math.max(0, Math.ceil(-Math.log10(Math.max(resolutionNs, 1) / 1e9) - 1e-9)));
  const seconds = timeNs / 1e9;
  if (seconds < 1 && decimals >= 3) {
    return `${(timeNs / 1e6).toFixed(decimals - 3)} ms`;
  }
  if (seconds < 60) {
    return `${seconds.toFixed(decimals)} s`;
  }
  const whole = Math.floor(seconds / 60);
  const rest = (seconds - whole * 60).toFixed(decimals).padStart(decimals > 0 ? decimals + 3 : 2, "0");
  return whole < 60 ? `${whole}:${rest}` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}:${rest}`;
}

/** The 95 % interval as a share of the value: `±4 %`, `±<0.1 %`; nothing when the value is exact. */
export function formatError({ value, error }: Estimate): string {
  if (error === 0) {
    return "";
  }
  if (value === 0) {
    return "±?";
  }
  const share = (100 * error) / Math.abs(value);
  if (share < 0.05) {
    return "±<0.1 %";
  }
  return share < 1 ? `±${share.toFixed(1)} %` : `±${Math.min(999, Math.round(share))} %`;
}

/** `12 %`, `0.4 %`, `<0.1 %`. */
export function formatShare(share: number): string {
  const percent = 100 * share;
  if (percent !== 0 && Math.abs(percent) < 0.1) {
    return "<0.1 %";
  }
  return `${Math.abs(percent) < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`.replace("-", MINUS);
}

/** `25 Nov 2026, 21:04:05`. */
export function formatClock(unixNs: number): string {
  return new Date(unixNs / 1e6).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** `1 sample`, `2 samples`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count === Math.round(count) && count < 1e4 ? count : formatCount(count)} ${count === 1 ? one : many}`;
}
