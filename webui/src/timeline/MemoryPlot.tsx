import { useEffect, useImperativeHandle, useLayoutEffect, useRef, type Ref } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { CANVAS_FONT } from "../lib/canvas";
import { byteStep, ticks, timeStep } from "../lib/scales";
import type { Palette } from "../lib/theme";
import { formatBytes, formatMoment } from "../lib/units";
import type { TimeRange } from "../selection/selection";
import type { PlotModel } from "./model";
import type { Column } from "./series";

export const AXIS_HEIGHT = 22;
const HEADROOM = 1.08;

export interface MemoryPlotHandle {
  /** Show another part of the time line. */
  show(visible: TimeRange): void;
  /** Vertical position of a size, in CSS pixels from the top. */
  positionOf(bytes: number): number;
}

function options(model: PlotModel, size: Geometry, palette: Palette, visible: () => TimeRange, isCompact: boolean): uPlot.Options {
  const grid = { stroke: palette.line, width: 1 };
  const font = `11px ${CANVAS_FONT}`;
  return {
    width: size.width,
    height: size.height,
    padding: [isCompact ? 4 : 10, size.right, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [visible().fromNs, visible().toNs] },
      y: { range: (_plot, _least, greatest) => [0, (greatest || 1) * HEADROOM] },
    },
    axes: [
      {
        scale: "x",
        stroke: palette["text-3"],
        font,
        size: AXIS_HEIGHT,
        gap: 4,
        grid: isCompact ? { show: false } : grid,
        ticks: { show: false },
        splits: (plot, _axis, from, to) => ticks(from, to, timeStep(to - from, Math.max(2, plot.bbox.width / devicePixelRatio / 110))),
        values: (plot, splits) => splits.map((time) => withinPlot(plot, time, formatMoment(time, (splits[1] ?? time + 1e9) - (splits[0] ?? time)), size.right)),
      },
      {
        scale: "y",
        stroke: palette["text-3"],
        font,
        size: size.left,
        gap: 6,
        grid,
        ticks: { show: false },
        splits: (_plot, _axis, from, to) => ticks(from, to, byteStep(to - from, isCompact ? 2 : Math.max(2, size.height / 48))),
        values: (_plot, splits) => splits.map((bytes) => (bytes === 0 ? "0" : formatBytes(bytes).replace(/(\.\d*?)0+ /, "$1 ").replace(". ", " "))),
      },
    ],
    series: [
      {},
      ...model.series.map(({ label, stroke, width, fill, column }) => ({
        label,
        scale: "y",
        spanGaps: true,
        width,
        // A line needs two readings; a program that was over at once has one.
        points: { show: stroke !== null && isSingle(column), size: 5 },
        ...(stroke !== null && { stroke }),
        ...(fill !== undefined && { fill }),
      })),
    ],
    bands: model.bands.map(({ upper, lower, fill }) => ({ series: [upper + 1, lower + 1], fill })),
  };
}

const LETTER_PX = 6;

/** The text below a moment; nothing where it would be cut off at the right edge. */
function withinPlot(plot: uPlot, timeNs: number, text: string, right: number): string {
  const edge = plot.bbox.width / devicePixelRatio + right;
  return plot.valToPos(timeNs, "x") + (text.length * LETTER_PX) / 2 > edge ? "" : text;
}

function isSingle(column: Column): boolean {
  return column.filter((value) => value !== null).length === 1;
}

export interface Geometry {
  readonly width: number;
  readonly height: number;
  /** Room for the axis of sizes. */
  readonly left: number;
  readonly right: number;
}

function dataOf(model: PlotModel): uPlot.AlignedData {
  return [model.times, ...model.series.map(({ column }) => column)] as uPlot.AlignedData;
}

/** Memory over time. Which part of the time line is shown is told to its handle, once a frame at most. */
export function MemoryPlot({
  ref,
  model,
  geometry,
  palette,
  visible,
  isCompact,
}: {
  ref: Ref<MemoryPlotHandle>;
  model: PlotModel;
  geometry: Geometry;
  palette: Palette;
  visible: () => TimeRange;
  isCompact: boolean;
}) {
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // The plot asks for as long as it lives, and a trace that grows is longer by then.
  const presentlyVisible = useRef(visible);
  presentlyVisible.current = visible;
  const shape = `${model.series.map(({ label, stroke, fill, column }) => `${label}${stroke}${fill}${isSingle(column)}`).join()} ${geometry.left} ${palette.page}`;

  useLayoutEffect(() => {
    if (container.current === null) {
      return;
    }
    const created = new uPlot(options(model, geometry, palette, () => presentlyVisible.current(), isCompact), dataOf(model), container.current);
    plot.current = created;
    return () => {
      created.destroy();
      plot.current = null;
    };
    // Data and size are told to the plot below; it is made anew when what it consists of has changed.
  }, [shape, isCompact]);

  useLayoutEffect(() => {
    plot.current?.setSize({ width: geometry.width, height: geometry.height });
  }, [geometry.width, geometry.height]);

  useEffect(() => {
    plot.current?.setData(dataOf(model), true);
  }, [model]);

  useImperativeHandle(ref, () => ({
    show: ({ fromNs, toNs }) => plot.current?.setScale("x", { min: fromNs, max: toNs }),
    positionOf: (bytes) => (plot.current?.valToPos(bytes, "y") ?? 0) + (plot.current?.bbox.top ?? 0) / devicePixelRatio,
  }));

  return <div ref={container} aria-hidden="true" />;
}
