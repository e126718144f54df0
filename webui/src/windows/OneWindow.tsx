import { Flame, X } from "lucide-react";

import { useAnswer } from "../data/answers";
import type { Window as WindowForm } from "../data/forms";
import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { usePalette } from "../lib/theme";
import { formatBytes, formatDuration, formatMoment } from "../lib/units";
import { EstimateBar, EstimateText, PlaceText } from "../parts/Figures";
import { LineChart, type ChartLine } from "../parts/LineChart";
import { Answered } from "../parts/States";
import { Table } from "../parts/Table";
import { linkTo, select } from "../selection/store";
import { WINDOW_BUCKETS } from "./buckets";

/** One window by itself: its own timeline, where it allocated, and the windows inside it. */
export function OneWindow({ windowId }: { windowId: number }) {
  const { trace } = useTrace();
  const answer = useAnswer("windows/{window_id}", { window_id: windowId, trace: trace.id, buckets: WINDOW_BUCKETS });
  return (
    <section className="one-window panel" aria-label={`Window ${windowId}`}>
      <Answered answer={answer}>{(data) => <Content window={data} />}</Answered>
    </section>
  );
}

function Content({ window: shown }: { window: WindowForm }) {
  const { info } = useTrace();
  const palette = usePalette();
  const { start_ns: startNs, end_ns: endNs, timeline } = shown;
  const resolution = Math.max(1, ((endNs ?? info.duration_ns) - startNs) / 100);
  let sum = 0;
  const allocated = timeline.start_ns.map((start, index): [number, number] => [start + timeline.bucket_ns, (sum += timeline.allocated_bytes[index] ?? 0)]);
  const lines: ChartLine[] = [
    { label: "Allocated so far", colour: palette.born, points: [[startNs, 0], ...allocated] },
    {
      label: "Live, of it",
      colour: palette.alive,
      isFilled: true,
      // What was over within a bucket stands in its middle.
      points: [
        [startNs, 0],
        ...timeline.start_ns.flatMap((start, index): [number, number][] => [
          [start + timeline.bucket_ns / 2, timeline.greatest_live_bytes[index] ?? 0],
          [start + timeline.bucket_ns, timeline.live_bytes[index] ?? 0],
        ]),
      ],
    },
  ];
  return (
    <>
      <div className="panel-title">
        <h2>{visible(shown.name)}</h2>
        <span className="quiet">
          {shown.kind} {shown.window_id}, began at {formatMoment(startNs, resolution)}, {endNs === null ? "still open" : `took ${formatDuration(endNs - startNs)}`}
        </span>
        <span style={{ flex: 1 }} />
        <a className="button" href={linkTo({ view: "flamegraph", range: null, settings: { mode: null } })}>
          <Flame size={14} aria-hidden="true" />
          Flame graph
        </a>
        <a className="button" href={linkTo({ view: "timeline", range: { fromNs: startNs, toNs: Math.max(startNs + 1, endNs ?? info.duration_ns) } })}>
          On the timeline
        </a>
        <button type="button" className="button is-quiet is-icon" aria-label="Close" onClick={() => select({ windowId: null })}>
          <X size={15} aria-hidden="true" />
        </button>
      </div>
      <div className="one-window-body">
        <dl className="facts">
          <dt>Allocated</dt>
          <dd><EstimateText estimate={shown.allocated} /></dd>
          <dt>Itself, without inner windows</dt>
          <dd><EstimateText estimate={shown.own_allocated} /></dd>
          <dt>Retained when it closed</dt>
          <dd><EstimateText estimate={shown.retained} /></dd>
          <dt>Held at the end</dt>
          <dd><EstimateText estimate={shown.live} /></dd>
          {Object.entries(shown.attributes ?? {}).map(([key, value]) => (
            <div key={key} style={{ display: "contents" }}>
              <dt>{visible(key)}</dt>
              <dd>{visible(typeof value === "string" ? value : JSON.stringify(value))}</dd>
            </div>
          ))}
        </dl>
        <LineChart
          label={`Allocated ${formatBytes(shown.allocated.value)}, of which ${formatBytes(shown.retained.value)} were retained when it closed`}
          lines={lines}
          fromNs={startNs}
          toNs={endNs ?? info.duration_ns}
        />
      </div>
      {shown.sites.length > 0 && (
        <Table
          label="Where it allocated"
          rows={shown.sites}
          rowKey={(_, index) => index}
          columns={[
            { key: "place", title: "Where it allocated", isWide: true, cell: ({ place, label }) => <PlaceText place={place} label={label} /> },
            { key: "allocated", title: "Allocated", estimate: ({ allocated }) => allocated, cell: (site) => <EstimateBar estimate={site.allocated} whole={shown.allocated.value} /> },
            { key: "retained", title: "Retained", estimate: ({ retained }) => retained, cell: (site) => <EstimateBar estimate={site.retained} whole={shown.allocated.value} kind="alive" /> },
          ]}
        />
      )}
      {shown.children.length > 0 && (
        <Table
          label="Windows inside it"
          rows={shown.children}
          rowKey={({ window_id }) => window_id}
          onChoose={({ window_id }) => select({ windowId: window_id })}
          columns={[
            { key: "name", title: "Windows inside it", isWide: true, cell: ({ name, window_id }) => <a href={linkTo({ windowId: window_id })}>{visible(name)}</a> },
            { key: "start", title: "Began", isNumber: true, cell: ({ start_ns }) => formatMoment(start_ns, resolution) },
            { key: "took", title: "Took", isNumber: true, cell: ({ start_ns, end_ns }) => (end_ns === null ? "open" : formatDuration(end_ns - start_ns)) },
            { key: "allocated", title: "Allocated", estimate: ({ allocated }) => allocated },
          ]}
        />
      )}
    </>
  );
}
