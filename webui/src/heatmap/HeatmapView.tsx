import { Table2 } from "lucide-react";
import type { ReactNode } from "react";

import { useAnswer } from "../data/answers";
import type { LifetimeHeatmap, SiteHeatmap } from "../data/forms";
import { selectionParameters } from "../data/parameters";
import { useTrace } from "../data/trace";
import { ticks, timeStep } from "../lib/scales";
import { placeLabels } from "../lib/text";
import { usePalette } from "../lib/theme";
import { formatBytes, formatCount, formatDuration, formatMoment, plural } from "../lib/units";
import { PlaceText } from "../parts/Figures";
import { Choice, Segmented } from "../parts/Segmented";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { TooltipFacts } from "../parts/Tooltip";
import { select, useSelection, useSetting } from "../selection/store";
import { heatScale, leastOfScale } from "./colours";
import { HeatCanvas, isDarkColour, type Cell } from "./HeatCanvas";
import "./heatmap.css";

const GROUPS = ["site", "line", "function", "file", "module"] as const;
const BUCKETS = 160;
const ROWS = 40;

export default function HeatmapView() {
  const [map, setMap] = useSetting("map", "time", ["time", "lifetime"]);
  const [by, setBy] = useSetting("by", "site", GROUPS);
  const [measure, setMeasure] = useSetting("measure", "allocated", ["allocated", "live"]);
  const [shape, setShape] = useSetting("as", "picture", ["picture", "table"]);
  return (
    <>
      <div className="toolbar" role="toolbar" aria-label="Heat map">
        <Segmented
          label="Which heat map"
          value={map}
          onChange={setMap}
          options={[
            { value: "time", label: "Places over time" },
            { value: "lifetime", label: "Size against lifetime" },
          ]}
        />
        {map === "time" && (
          <>
            <Choice label="Rows" value={by} onChange={setBy} options={GROUPS.map((value) => ({ value, label: value }))} />
            <Segmented
              label="What the colour tells"
              value={measure}
              onChange={setMeasure}
              options={[
                { value: "allocated", label: "Allocated" },
                { value: "live", label: "Live" },
              ]}
            />
          </>
        )}
        <span className="spacer" />
        <button type="button" className="button is-quiet" aria-pressed={shape === "table"} onClick={() => setShape(shape === "table" ? "picture" : "table")}>
          <Table2 size={15} aria-hidden="true" />
          Table
        </button>
      </div>
      {map === "time" ? <SiteMap by={by} measure={measure} isTable={shape === "table"} /> : <LifetimeMap isTable={shape === "table"} />}
    </>
  );
}

/** What the colours stand for, by powers, beside what can be done. */
function HeatLegend({ greatest, children }: { greatest: number; children?: ReactNode }) {
  const isDark = isDarkColour(usePalette().page);
  return (
    <p className="heat-legend">
      {formatBytes(leastOfScale(greatest))} or less
      <span aria-hidden="true">
        {heatScale(isDark).map((colour) => (
          <i key={colour} style={{ background: colour }} />
        ))}
      </span>
      {formatBytes(greatest)}
      <span className="quiet">{children}</span>
    </p>
  );
}

const NOTHING = (
  <Message title="Nothing was allocated here">Choose a longer stretch on the timeline above, or clear the selection.</Message>
);

function SiteMap({ by, measure, isTable }: { by: (typeof GROUPS)[number]; measure: "allocated" | "live"; isTable: boolean }) {
  const { trace } = useTrace();
  const selection = useSelection();
  const answer = useAnswer("heatmap/sites", { ...selectionParameters(selection, trace.id), by, measure, buckets: BUCKETS, top: ROWS });
  return (
    <Answered answer={answer}>
      {(data) => (data.rows.length === 0 ? NOTHING : isTable ? <SiteTable data={data} /> : <SitePicture data={data} />)}
    </Answered>
  );
}

function SitePicture({ data }: { data: SiteHeatmap }) {
  const buckets = data.start_ns.length;
  const names = placeLabels(data.rows);
  const span = data.bucket_ns * buckets;
  const step = timeStep(span, 8);
  const describe = ({ row, column }: Cell) => {
    const index = row * buckets + column;
    const value = data.values[index] ?? 0;
    const when = formatMoment(data.start_ns[column] ?? 0, data.bucket_ns);
    const what = data.measure === "live" ? "live" : "allocated";
    const name = names[row] ?? "";
    return {
      text: `${name} at ${when}: ${formatBytes(value)} ${what}`,
      content: (
        <>
          <strong>{name}</strong>
          <TooltipFacts
            facts={[
              ["At", when],
              [data.measure === "live" ? "Live" : "Allocated", formatBytes(value)],
              ["Samples", formatCount(data.samples[index] ?? 0)],
            ]}
          />
        </>
      ),
    };
  };
  return (
    <div className="heat">
      <HeatLegend greatest={Math.max(0, ...data.values)}>
        a cell is {formatDuration(data.bucket_ns)}; a click shows it on the timeline{data.other_bytes > 0 && `; ${formatBytes(data.other_bytes)} in other places`}
      </HeatLegend>
      <HeatCanvas
        label="Bytes by place and time"
        grid={{
          rows: names,
          columns: buckets,
          values: data.values,
          ticks: ticks(data.from_ns, data.from_ns + span, step).map((time) => ({ at: (time - data.from_ns) / span, text: formatMoment(time, step) })),
        }}
        rowHeight={20}
        labelWidth={250}
        describe={describe}
        onChoose={({ column }) => {
          const fromNs = data.start_ns[column] ?? 0;
          select({ range: { fromNs, toNs: fromNs + data.bucket_ns }, view: "timeline" });
        }}
      />
    </div>
  );
}

function SiteTable({ data }: { data: SiteHeatmap }) {
  const buckets = data.start_ns.length;
  const rows = data.rows.map((row, index) => {
    const values = data.values.slice(index * buckets, (index + 1) * buckets);
    const greatest = Math.max(...values);
    return { ...row, index, greatest, atNs: data.start_ns[values.indexOf(greatest)] ?? 0 };
  });
  return (
    <Table
      label="Bytes by place and time"
      rows={rows}
      rowKey={({ index }) => index}
      columns={[
        { key: "place", title: "Where", isWide: true, cell: ({ place, label }) => <PlaceText place={place} label={label} /> },
        { key: "bytes", title: "Bytes", isNumber: true, sortBy: ({ bytes }) => bytes, cell: ({ bytes }) => formatBytes(bytes) },
        { key: "greatest", title: "Greatest", isNumber: true, sortBy: ({ greatest }) => greatest, cell: ({ greatest }) => formatBytes(greatest) },
        { key: "at", title: "At", isNumber: true, sortBy: ({ atNs }) => atNs, cell: ({ atNs }) => formatMoment(atNs, data.bucket_ns) },
      ]}
    />
  );
}

function LifetimeMap({ isTable }: { isTable: boolean }) {
  const { trace } = useTrace();
  const selection = useSelection();
  const answer = useAnswer("heatmap/lifetimes", selectionParameters(selection, trace.id));
  return (
    <Answered answer={answer}>
      {(data) => (data.samples.every((count) => count === 0) ? NOTHING : isTable ? <LifetimeTable data={data} /> : <LifetimePicture data={data} />)}
    </Answered>
  );
}

function sizeLabel({ from_bytes, to_bytes }: LifetimeHeatmap["sizes"][number]): string {
  const round = (bytes: number) => formatBytes(bytes).replace(/\.0+ /, " ");
  // Powers of two: a class ends with one, and the next begins one byte above it.
  return to_bytes === null ? `above ${round(from_bytes - 1)}` : `up to ${round(to_bytes - 1)}`;
}

function LifetimePicture({ data }: { data: LifetimeHeatmap }) {
  const columns = data.lifetimes.length;
  // The greatest sizes at the top, as on any axis.
  const order = data.sizes.map((_, index) => data.sizes.length - 1 - index);
  const describe = ({ row, column }: Cell) => {
    const index = (order[row] ?? 0) * columns + column;
    const size = sizeLabel(data.sizes[order[row] ?? 0] ?? { from_bytes: 0, to_bytes: null });
    const lifetime = data.lifetimes[column]?.label ?? "";
    const bytes = formatBytes(data.bytes[index] ?? 0);
    return {
      text: `${size}, lived ${lifetime}: ${bytes}, ${plural(data.samples[index] ?? 0, "sample")}`,
      content: (
        <>
          <strong>{size}</strong>
          <TooltipFacts
            facts={[
              ["Lifetime", lifetime],
              ["Allocated", bytes],
              ["Allocations", formatCount(data.allocations[index] ?? 0)],
              ["Samples", formatCount(data.samples[index] ?? 0)],
            ]}
          />
        </>
      ),
    };
  };
  return (
    <div className="heat is-narrow">
      <HeatLegend greatest={Math.max(0, ...data.bytes)}>bytes allocated, by size of the block and by how long it lived</HeatLegend>
      <HeatCanvas
        label="Bytes by size and lifetime"
        grid={{
          rows: order.map((index) => sizeLabel(data.sizes[index] ?? { from_bytes: 0, to_bytes: null })),
          columns,
          values: order.flatMap((index) => data.bytes.slice(index * columns, (index + 1) * columns)),
          ticks: data.lifetimes.map(({ label }, index) => ({ at: (index + 0.5) / columns, text: label })),
        }}
        rowHeight={24}
        labelWidth={150}
        describe={describe}
      />
    </div>
  );
}

function LifetimeTable({ data }: { data: LifetimeHeatmap }) {
  const columns = data.lifetimes.length;
  const rows = data.bytes.map((bytes, index) => ({ bytes, index, size: Math.floor(index / columns), lifetime: index % columns })).filter(({ bytes }) => bytes > 0);
  return (
    <Table
      label="Bytes by size and lifetime"
      rows={rows}
      rowKey={({ index }) => index}
      initial={{ key: "bytes", isAscending: false }}
      columns={[
        { key: "size", title: "Size", sortBy: ({ size }) => size, cell: ({ size }) => sizeLabel(data.sizes[size] ?? { from_bytes: 0, to_bytes: null }) },
        { key: "lifetime", title: "Lifetime", isWide: true, sortBy: ({ lifetime }) => lifetime, cell: ({ lifetime }) => data.lifetimes[lifetime]?.label },
        { key: "bytes", title: "Allocated", isNumber: true, sortBy: ({ bytes }) => bytes, cell: ({ bytes }) => formatBytes(bytes) },
        { key: "samples", title: "Samples", isNumber: true, sortBy: ({ index }) => data.samples[index] ?? 0, cell: ({ index }) => formatCount(data.samples[index] ?? 0) },
      ]}
    />
  );
}
