import { useMemo } from "react";

import { useAnswer } from "../data/answers";
import type { Hotspot, Hotspots } from "../data/forms";
import { aliveAt, selectionParameters } from "../data/parameters";
import { useTrace } from "../data/trace";
import { formatCount, formatDuration, formatMoment, plural } from "../lib/units";
import { EstimateBar, EstimateText, PlaceText } from "../parts/Figures";
import { Choice } from "../parts/Segmented";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { useSelection, useSetting, useTypedSetting } from "../selection/store";

const GROUPS = ["site", "line", "function", "file", "module", "thread", "process", "window", "type"] as const;
const ROWS = 500;

const LABELS: Record<(typeof GROUPS)[number], string> = {
  site: "site: the program's own line",
  line: "line",
  function: "function",
  file: "file",
  module: "module",
  thread: "thread",
  process: "process",
  window: "window",
  type: "type of object",
};

export default function HotspotsView() {
  const { trace } = useTrace();
  const selection = useSelection();
  const [by, setBy] = useSetting("by", "site", GROUPS);
  const [filter, setFilter] = useTypedSetting("filter");
  const answer = useAnswer("hotspots", { ...selectionParameters(selection, trace.id), ...aliveAt(selection), by, limit: ROWS });
  return (
    <>
      <div className="toolbar" role="toolbar" aria-label="Hotspots">
        <Choice label="Group by" value={by} onChange={setBy} options={GROUPS.map((value) => ({ value, label: LABELS[value] }))} />
        <input
          type="search"
          className="input"
          placeholder="Filter functions and files"
          aria-label="Filter functions and files"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <span className="spacer" />
        <span className="quiet" role="status">
          {answer.data && rowsText(answer.data, filter)}
        </span>
      </div>
      <Answered answer={answer}>{(data) => <HotspotTable data={data} filter={filter} />}</Answered>
    </>
  );
}

function matches({ label, place }: Hotspot, filter: string): boolean {
  const text = `${label} ${place.function ?? ""} ${place.file ?? ""}`.toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((part) => text.includes(part));
}

function rowsText({ rows, groups }: Hotspots, filter: string): string {
  const shown = filter === "" ? rows.length : rows.filter((row) => matches(row, filter)).length;
  return `${plural(shown, "row")} of ${groups}`;
}

function HotspotTable({ data, filter }: { data: Hotspots; filter: string }) {
  const { info } = useTrace();
  const rows = useMemo(() => data.rows.filter((row) => matches(row, filter)), [data, filter]);
  const peakAt = ` (${formatMoment(data.peak_ns, info.duration_ns / 1000)})`;
  if (data.rows.length === 0) {
    return (
      <Message title="Nothing was allocated here">
        Choose a longer stretch on the timeline above, or clear the selection.
      </Message>
    );
  }
  if (rows.length === 0) {
    return <Message title="No row matches">Change or empty the filter.</Message>;
  }
  const estimate = (key: string, title: string, of: (row: Hotspot) => Hotspot["allocated"], help: string, kind?: "alive") => {
    const whole = data.rows.reduce((sum, row) => sum + of(row).value, 0);
    return {
      key,
      title,
      help,
      estimate: of,
      cell: (row: Hotspot) => <EstimateBar estimate={of(row)} whole={whole} {...(kind && { kind })} />,
    };
  };
  return (
    <Table
      label={`Hotspots by ${data.by}`}
      rows={rows}
      rowKey={(row, index) => `${row.label}-${row.place.file}-${row.place.line}-${index}`}
      initial={{ key: "allocated", isAscending: false }}
      setting="sort"
      columns={[
        {
          key: "place",
          title: "Where",
          isWide: true,
          sortBy: ({ label }) => label,
          cell: (row) => <PlaceText place={row.place} label={row.label} inner={row.inner} />,
        },
        estimate("allocated", "Allocated", (row) => row.allocated, "Bytes allocated in the selection"),
        estimate("live", "Alive", (row) => row.live, "Of them, not freed at the cursor; without one, not freed at all", "alive"),
        estimate("peak", "At the peak", (row) => row.peak, `Live at the greatest moment${peakAt}`),
        {
          key: "temporary",
          title: "Temporary",
          help: "Freed soon after it was allocated",
          estimate: (row) => row.temporary,
        },
        {
          key: "allocations",
          title: "Allocations",
          estimate: (row) => row.allocations,
          cell: (row) => <EstimateText estimate={row.allocations} format={formatCount} />,
        },
        {
          key: "lifetime",
          title: "Mean life",
          isNumber: true,
          sortBy: (row) => row.mean_lifetime_ns ?? Infinity,
          cell: (row) => (row.mean_lifetime_ns === null ? "–" : formatDuration(row.mean_lifetime_ns)),
        },
        { key: "samples", title: "Samples", isNumber: true, sortBy: (row) => row.samples, cell: (row) => formatCount(row.samples) },
      ]}
    />
  );
}
