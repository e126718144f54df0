import { Maximize2, Table2, ZoomIn, ZoomOut } from "lucide-react";
import { useMemo, useRef } from "react";

import type { Estimate } from "../data/forms";
import { useTrace } from "../data/trace";
import { useSize } from "../lib/canvas";
import { usePalette } from "../lib/theme";
import { formatBytes, formatMoment } from "../lib/units";
import { EstimateText } from "../parts/Figures";
import { Choice, Segmented } from "../parts/Segmented";
import { Table } from "../parts/Table";
import { adjustSelection, useSelection, useSetting } from "../selection/store";
import { isAboveResident, layerRows, summaryRows } from "./series";
import { SpikePanel } from "./SpikePanel";
import { Timeline } from "./Timeline";
import { useMemory, MEMORY_MODES, type Memory, type MemoryMode } from "./useMemory";
import { zoomed } from "./viewport";
import "./timeline.css";

const PLOT_HEIGHT_PX = 248;

const STACKED_BY = [
  { value: "site", label: "site" },
  { value: "function", label: "function" },
  { value: "file", label: "file" },
  { value: "module", label: "module" },
] as const;

export function TimelineView() {
  const { info } = useTrace();
  // Of no time at all there is nothing to draw, but to say why.
  return info.duration_ns > 0 ? <TimelineOfTime /> : <SpikePanel />;
}

function TimelineOfTime() {
  const container = useRef<HTMLDivElement>(null);
  const { width } = useSize(container);
  const memory = useMemory(width, false, usePalette());
  const [shape, setShape] = useSetting("as", "picture", ["picture", "table"]);
  // How high the lanes are is known when they are there: what stands below them is seen only then, and never jumps.
  const isPlaced = memory.lanes !== undefined || memory.error !== null;
  return (
    <>
      <TimelineToolbar shape={shape} setShape={setShape} />
      <figure ref={container} className={`timeline-figure ${isPlaced ? "" : "is-waiting"}`} aria-label="Memory over time">
        {shape === "picture" ? (
          <>
            <Timeline memory={memory} width={width} plotHeight={PLOT_HEIGHT_PX} />
            <Legend memory={memory} />
          </>
        ) : (
          memory.model !== undefined && memory.model.layers.length > 0 ? <LayerTable memory={memory} /> : <MemoryTable memory={memory} />
        )}
      </figure>
      <div className={`timeline-below ${isPlaced ? "" : "is-waiting"}`}>
        <SpikePanel />
      </div>
    </>
  );
}

function TimelineToolbar({ shape, setShape }: { shape: "picture" | "table"; setShape: (shape: "picture" | "table") => void }) {
  const { info } = useTrace();
  const [mode, setMode] = useSetting<MemoryMode>("show", "memory", MEMORY_MODES);
  const { zoom, atNs } = useSelection();
  const isStacked = mode !== "memory" && mode !== "resident";
  const zoomBy = (factor: number) => {
    const visible = zoom ?? { fromNs: 0, toNs: info.duration_ns };
    const middle = atNs !== null && atNs >= visible.fromNs && atNs <= visible.toNs ? atNs : (visible.fromNs + visible.toNs) / 2;
    adjustSelection({ zoom: zoomed(visible, middle, factor, info.duration_ns) });
  };
  return (
    <div className="toolbar" role="toolbar" aria-label="Timeline">
      <Segmented
        label="What the timeline shows"
        value={isStacked ? "stacked" : mode}
        onChange={(value) => setMode(value === "stacked" ? "site" : value)}
        options={[
          { value: "memory", label: "Memory" },
          { value: "resident", label: "What explains it", disabled: info.has.resident ? undefined : "The trace holds no snapshot of the resident memory" },
          { value: "stacked", label: "Who holds it" },
        ]}
      />
      {isStacked && <Choice label="by" options={STACKED_BY} value={mode} onChange={setMode} />}
      <span className="spacer" />
      <span className="group">
        <button type="button" className="button is-quiet is-icon" aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoomBy(0.5)}>
          <ZoomIn size={16} aria-hidden="true" />
        </button>
        <button type="button" className="button is-quiet is-icon" aria-label="Zoom out" title="Zoom out (−)" disabled={zoom === null} onClick={() => zoomBy(2)}>
          <ZoomOut size={16} aria-hidden="true" />
        </button>
        <button
          type="button"
          className="button is-quiet is-icon"
          aria-label="Show everything"
          title="Show everything (0)"
          disabled={zoom === null}
          onClick={() => adjustSelection({ zoom: null })}
        >
          <Maximize2 size={15} aria-hidden="true" />
        </button>
        <button
          type="button"
          className="button is-quiet"
          aria-pressed={shape === "table"}
          onClick={() => setShape(shape === "table" ? "picture" : "table")}
        >
          <Table2 size={15} aria-hidden="true" />
          Table
        </button>
      </span>
    </div>
  );
}

const HINT = "Click a spike to see what made it; drag to select a range";

function Legend({ memory }: { memory: Memory }) {
  const { timeline, mode, isFiltered } = memory;
  const isAbove = useMemo(() => timeline !== undefined && mode === "memory" && !isFiltered && isAboveResident(timeline), [timeline, mode, isFiltered]);
  return (
    <figcaption className="legend timeline-legend">
      {(memory.model?.legend ?? []).map(({ label, colour }) => (
        <span key={label}>
          <i className="swatch" style={{ background: colour }} aria-hidden="true" />
          {label}
        </span>
      ))}
      {isAbove && <span className="quiet">Live above resident is mapped or allocated, and not written to</span>}
      <span className="timeline-hint">{HINT}</span>
    </figcaption>
  );
}

/** What is stacked in the picture: at most so many rows of time, and a column for each layer. */
function LayerTable({ memory: { model } }: { memory: Memory }) {
  const { times, layers } = model ?? { times: [], layers: [] };
  const rows = layerRows(times, layers);
  const step = (rows[1]?.fromNs ?? 1e9) - (rows[0]?.fromNs ?? 0);
  return (
    <div className="timeline-table">
      <Table
        label="Memory over time, by what holds it"
        rows={rows}
        rowKey={({ fromNs }) => fromNs}
        columns={[
          { key: "from", title: "At", sortBy: ({ fromNs }) => fromNs, cell: ({ fromNs }) => formatMoment(fromNs, step / 2) },
          ...layers.map(({ label }, index) => ({
            key: String(index),
            title: label,
            estimate: ({ values }: { values: readonly Estimate[] }) => values[index] ?? { value: 0, error: 0 },
          })),
        ]}
      />
    </div>
  );
}

const heapOf = ({ heap, heapError }: { heap: number | null; heapError: number }): Estimate => ({ value: heap ?? 0, error: heapError });

function MemoryTable({ memory: { timeline } }: { memory: Memory }) {
  const rows = timeline ? summaryRows(timeline) : [];
  const step = (rows[1]?.fromNs ?? 1e9) - (rows[0]?.fromNs ?? 0);
  return (
    <div className="timeline-table">
      <Table
        label="Memory over time"
        rows={rows}
        rowKey={({ fromNs }) => fromNs}
        columns={[
          { key: "from", title: "From", sortBy: ({ fromNs }) => fromNs, cell: ({ fromNs }) => formatMoment(fromNs, step / 2) },
          { key: "rss", title: "Resident", help: "The greatest within the time from here to the next row", isNumber: true, cell: ({ rss }) => (rss === null ? "–" : formatBytes(rss)) },
          { key: "heap", title: "Live heap", help: "The greatest within the time from here to the next row", estimate: heapOf, cell: (row) => (row.heap === null ? "–" : <EstimateText estimate={heapOf(row)} />) },
          { key: "allocated", title: "Allocated", estimate: ({ allocated }) => allocated },
          { key: "freed", title: "Freed", estimate: ({ freed }) => freed },
        ]}
      />
    </div>
  );
}
