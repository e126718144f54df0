/** What the plot draws for each way of looking at memory over time. */

import type { Resident, Stacked, Timeline } from "../data/forms";
import { seriesColour, translucent, type Palette } from "../lib/theme";
import { bucketMiddles, cumulative, filled, hasReadings, residentLayers, stackedLayers, type Column, type Layer } from "./series";

export interface PlotSeries {
  readonly label: string;
  readonly column: Column;
  readonly stroke: string | null;
  readonly width: number;
  readonly fill?: string;
}

/** The area between two series, by index. */
export interface PlotBand {
  readonly upper: number;
  readonly lower: number;
  readonly fill: string;
}

export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
}

export interface PlotModel {
  readonly times: number[];
  readonly series: readonly PlotSeries[];
  readonly bands: readonly PlotBand[];
  readonly legend: readonly LegendEntry[];
  /** Layers of a stack, for the tooltip. */
  readonly layers: readonly Layer[];
}

function line(label: string, column: Column, stroke: string | null, width = 1.25): PlotSeries {
  return { label, column, stroke, width };
}

function plus(values: readonly (number | null)[], errors: readonly (number | null)[], sign: 1 | -1): Column {
  return values.map((value, index) => (value === null ? null : Math.max(0, value + sign * (errors[index] ?? 0))));
}

/** Resident memory and live heap, each from its least to its greatest in a bucket, with the heap's 95 % interval. */
export function memoryModel(timeline: Timeline, palette: Palette, isFiltered: boolean): PlotModel {
  const series: PlotSeries[] = [];
  const bands: PlotBand[] = [];
  const legend: LegendEntry[] = [];
  if (hasReadings(timeline.rss) && !isFiltered) {
    series.push(line("Resident memory", timeline.rss.max, palette.rss), line("", timeline.rss.min, palette.rss, 0.5));
    bands.push({ upper: 0, lower: 1, fill: translucent(palette.rss, 0.28) });
    legend.push({ label: "Resident memory (RSS)", colour: palette.rss });
  }
  const { max: greatest, min: least, error: errors } = timeline.heap_live;
  const first = series.length;
  series.push(
    { ...line("Live heap", greatest, palette.heap, 1.5), fill: translucent(palette.heap, 0.1) },
    line("", least, palette.heap, 0.5),
  );
  bands.push({ upper: first, lower: first + 1, fill: translucent(palette.heap, 0.3) });
  legend.push({ label: isFiltered ? "Live, of what was chosen" : "Live heap", colour: palette.heap });
  if (errors.some((error) => error !== null && error > 0)) {
    series.push(line("", plus(greatest, errors, 1), null), line("", plus(least, errors, -1), null));
    bands.push({ upper: first + 2, lower: first + 3, fill: translucent(palette.heap, 0.16) });
    legend.push({ label: "95 % interval", colour: translucent(palette.heap, 0.35) });
  }
  return { times: bucketMiddles(timeline), series, bands, legend, layers: [] };
}

function stackModel(times: number[], layers: readonly Layer[], palette: Palette, outline: PlotSeries | null): PlotModel {
  const colours = layers.map(({ label }, index) => (label === "All else" ? palette["text-3"] : seriesColour(index)));
  const series: PlotSeries[] = cumulative(layers).map((edge, index) => ({
    ...line(layers[index]?.label ?? "", edge, colours[index] ?? null, 0.75),
    ...(index === 0 && { fill: translucent(colours[0] ?? "#888888", 0.6) }),
  }));
  const bands = layers.slice(1).map((_, index) => ({
    upper: index + 1,
    lower: index,
    fill: translucent(colours[index + 1] ?? "#888888", 0.6),
  }));
  const legend = layers.map(({ label }, index) => ({ label, colour: colours[index] ?? "#888888" }));
  if (outline !== null) {
    series.push(outline);
    legend.push({ label: outline.label, colour: outline.stroke ?? "" });
  }
  return { times, series, bands, legend, layers };
}

/** What explains the resident memory. */
export function residentModel(timeline: Timeline, resident: Resident, palette: Palette): PlotModel {
  const times = bucketMiddles(timeline);
  // A chosen process that has ended has no memory any more, while the time line goes on.
  const last = timeline.rss.max.map((value) => value !== null).lastIndexOf(true);
  const rss = filled(timeline.rss.max).map((value, index) => (index <= last ? value : null));
  const outline = hasReadings(timeline.rss) ? line("Resident memory (RSS)", rss, palette.text, 1.25) : null;
  return stackModel(times, residentLayers(resident, times), palette, outline);
}

/** The live heap by where it was allocated. */
export function stackedModel(stacked: Stacked, palette: Palette): PlotModel {
  return stackModel(bucketMiddles(stacked), stackedLayers(stacked), palette, null);
}
