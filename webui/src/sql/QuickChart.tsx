import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { useSource } from "../data/answers";
import type { SqlPage, SqlResult } from "../data/forms";
import { CANVAS_FONT, useSize } from "../lib/canvas";
import { seriesColour, translucent, usePalette } from "../lib/theme";
import { formatBytes, formatCount, formatDuration } from "../lib/units";
import { Choice } from "../parts/Segmented";
import { Message } from "../parts/States";
import { cellText, isNumeric, type Column } from "./cells";

const MOST_ROWS = 20_000;
const MOST_BARS = 40;

/** A picture of a result: bars where the first column is text, lines or dots where it is a number. */
export function QuickChart({ result }: { result: SqlResult }) {
  const numeric = result.columns.map((column, index) => ({ column, index })).filter(({ column }) => isNumeric(column));
  const firstText = result.columns.findIndex((column) => !isNumeric(column));
  const [xChoice, setX] = useState<string>(String(firstText >= 0 ? firstText : 0));
  const [yChoice, setY] = useState<string>("");
  const x = Math.min(Number(xChoice), result.columns.length - 1);
  const y = yChoice === "" ? (numeric.find(({ index }) => index !== x)?.index ?? -1) : Number(yChoice);
  const page = useFirstRows(result);
  const xColumn = result.columns[x];
  const yColumn = result.columns[y];
  if (xColumn === undefined || yColumn === undefined) {
    return <Message title="Nothing to draw">A chart needs a column of numbers beside another one.</Message>;
  }
  return (
    <div className="chart">
      <div className="toolbar">
        <Choice label="Across" value={String(x)} onChange={setX} options={result.columns.map(({ name }, index) => ({ value: String(index), label: name }))} />
        <Choice label="Up" value={String(y)} onChange={setY} options={numeric.map(({ column, index }) => ({ value: String(index), label: column.name }))} />
        {page !== undefined && page.row_count < result.row_count && <span className="quiet">the first {formatCount(page.row_count)} rows</span>}
      </div>
      {page !== undefined &&
        (isNumeric(xColumn) ? (
          <NumberChart xColumn={xColumn} yColumn={yColumn} xs={page.columns[x] ?? []} ys={page.columns[y] ?? []} />
        ) : (
          <Bars xColumn={xColumn} yColumn={yColumn} names={page.columns[x] ?? []} values={page.columns[y] ?? []} />
        ))}
    </div>
  );
}

function useFirstRows(result: SqlResult): SqlPage | undefined {
  const source = useSource();
  const [page, setPage] = useState<SqlPage>();
  useEffect(() => {
    if (result.page.row_count >= Math.min(MOST_ROWS, result.row_count)) {
      setPage(result.page);
      return;
    }
    const stop = new AbortController();
    source.read("sql/{query_id}", { query_id: result.query_id, offset: 0, limit: MOST_ROWS }, stop.signal).then(setPage, () => undefined);
    return () => stop.abort();
  }, [result, source]);
  return page;
}

function Bars({ xColumn, yColumn, names, values }: { xColumn: Column; yColumn: Column; names: readonly unknown[]; values: readonly unknown[] }) {
  const greatest = Math.max(1e-300, ...values.slice(0, MOST_BARS).map((value) => Math.abs(Number(value ?? 0))));
  return (
    <ul className="chart-bars" aria-label={`${yColumn.name} by ${xColumn.name}`}>
      {names.slice(0, MOST_BARS).map((name, index) => (
        <li key={index}>
          <span className="name">{cellText(xColumn, name, true)}</span>
          <span className="bar">
            <span style={{ width: `${(100 * Math.abs(Number(values[index] ?? 0))) / greatest}%` }} />
          </span>
          <span className="number">{cellText(yColumn, values[index] ?? null, true)}</span>
        </li>
      ))}
      {names.length > MOST_BARS && <li className="quiet">and {names.length - MOST_BARS} more</li>}
    </ul>
  );
}

function axisFormat({ name }: Column): (value: number) => string {
  return name.endsWith("_ns") ? formatDuration : /bytes|size|rss|heap/.test(name) ? formatBytes : formatCount;
}

function NumberChart({ xColumn, yColumn, xs, ys }: { xColumn: Column; yColumn: Column; xs: readonly unknown[]; ys: readonly unknown[] }) {
  const container = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(container);
  const palette = usePalette();
  const data = useMemo(() => {
    const points = xs.map((x, index) => [x, ys[index]] as const).filter((point): point is readonly [number, number | null] => typeof point[0] === "number");
    points.sort((a, b) => a[0] - b[0]);
    return [points.map(([x]) => x), points.map(([, y]) => (typeof y === "number" ? y : null))] as uPlot.AlignedData;
  }, [xs, ys]);
  useEffect(() => {
    if (container.current === null || width === 0) {
      return;
    }
    const axis = { stroke: palette["text-3"], font: `11px ${CANVAS_FONT}`, grid: { stroke: palette.line, width: 1 }, ticks: { show: false } };
    const plot = new uPlot(
      {
        width,
        height: Math.max(160, height),
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, values: (_plot, splits) => splits.map(axisFormat(xColumn)) },
          { ...axis, size: 78, values: (_plot, splits) => splits.map(axisFormat(yColumn)) },
        ],
        series: [{}, { stroke: seriesColour(0), fill: translucent(seriesColour(0), 0.1), width: 1.5, points: { show: data[0].length < 400, size: 5 } }],
      },
      data,
      container.current,
    );
    return () => plot.destroy();
  }, [data, width, height, palette, xColumn, yColumn]);
  return <div ref={container} className="chart-plot" role="img" aria-label={`${yColumn.name} over ${xColumn.name}; the table shows the figures`} />;
}
