import type { ReactNode } from "react";

import { useTrace } from "../data/trace";
import { estimateText } from "../lib/estimates";
import { visible } from "../lib/text";
import { formatBytes, formatClock, formatCount, formatDuration, formatMoment } from "../lib/units";
import { EstimateText } from "../parts/Figures";
import { Table } from "../parts/Table";
import { linkTo } from "../selection/store";
import "./info.css";

const STATES = {
  complete: "Complete",
  live: "Still being written",
  cut_off: "Cut off: the program was killed, or the disk was full",
  gone: "The file is gone; what was read of it is shown",
  bad: "It cannot be read",
} as const;

/** `Complete`, though not all that is in the file could be read. */
function stateText(state: keyof typeof STATES, damage: readonly string[]): string {
  return damage.length > 0 && state !== "bad" ? `${STATES[state]}. Damaged: not all of it can be read` : STATES[state];
}

/** What the trace covers, what it lacks, and what recording cost. */
export default function InfoView() {
  return (
    <div className="info">
      <Recording />
      <Sampling />
      <Coverage />
      <Cost />
      <Processes />
      <Metadata />
    </div>
  );
}

function Panel({ title, isWide = false, children }: { title: string; isWide?: boolean; children: ReactNode }) {
  return (
    <section className={`panel ${isWide ? "is-wide" : ""}`}>
      <h2>{title}</h2>
      <div className="panel-body">{children}</div>
    </section>
  );
}

function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function PeakLive() {
  const { info } = useTrace();
  const { peak_live_ns: timeNs, peak_live_bytes: live } = info;
  if (timeNs === null) {
    return <>{info.trace.state === "complete" && info.damage.length === 0 ? "nothing was allocated" : "unknown"}</>;
  }
  return (
    <>
      {estimateText(live)} at <a href={linkTo({ view: "timeline", atNs: timeNs })}>{formatMoment(timeNs, info.duration_ns / 1000)}</a>
      {info.processes.length > 1 && " in all processes together"}
    </>
  );
}

function PeakResident() {
  const { info } = useTrace();
  const peak = info.peak_rss;
  if (peak === null) {
    return <>unknown</>;
  }
  return (
    <>
      {formatBytes(peak.bytes)} at{" "}
      <a href={linkTo({ view: "timeline", atNs: peak.time_ns })}>{formatMoment(peak.time_ns, info.duration_ns / 1000)}</a>
      {info.processes.length > 1 && ` in process ${peak.process_id}`}
    </>
  );
}

function Recording() {
  const { trace, info } = useTrace();
  return (
    <Panel title="Recording">
      <Facts
        facts={[
          ["Command", <code key="command">{visible(trace.command_line) || "unknown"}</code>],
          ["File", visible(trace.path)],
          ["State", stateText(trace.state, info.damage)],
          ["Began", trace.start_time_unix_ns === null ? "unknown" : formatClock(trace.start_time_unix_ns)],
          ["Duration", formatDuration(info.duration_ns)],
          ["Python", info.processes[0]?.python_version ?? "unknown"],
          ["Peak resident memory", <PeakResident key="rss" />],
          ["Peak live memory", <PeakLive key="live" />],
        ]}
      />
    </Panel>
  );
}

const UNKNOWN_SAMPLING = "unknown: what the trace says of itself cannot be read";

/** `64 KiB`, or `512 B to 64 KiB, as the program's pace allowed`. */
function intervalText(isExact: boolean, closest: number | null, widest: number | null): string {
  if (closest === null || widest === null) {
    return isExact ? "none: every allocation" : UNKNOWN_SAMPLING;
  }
  return closest < widest ? `${formatBytes(closest)} to ${formatBytes(widest)}, as the program's pace allowed` : formatBytes(widest);
}

function Sampling() {
  const { info } = useTrace();
  const { sampling } = info;
  const isKnown = info.is_exact || sampling.sample_interval_bytes !== null;
  return (
    <Panel title="Precision">
      <Facts
        facts={[
          ["Recorded", !isKnown ? UNKNOWN_SAMPLING : info.is_exact ? "Every allocation: all figures are exact" : "A sample: every figure carries its 95 % interval"],
          ["Samples", formatCount(info.samples)],
          ["Allocated", <EstimateText key="bytes" estimate={info.bytes} />],
          ["Allocations", <EstimateText key="allocations" estimate={info.allocations} format={formatCount} />],
          ["Not freed", <EstimateText key="live" estimate={info.live_bytes} />],
          ["Sample rate", sampling.sample_rate === null ? "unknown" : sampling.sample_rate === 0 ? "by size alone" : sampling.sample_rate],
          ["Sample interval", intervalText(info.is_exact, sampling.closest_interval_bytes, sampling.sample_interval_bytes)],
          ["Where nothing was recorded, there may be", !isKnown ? "unknown" : info.is_exact ? "nothing" : `up to ${formatBytes(sampling.unseen_bytes)}`],
        ]}
      />
    </Panel>
  );
}

function Coverage() {
  const { info } = useTrace();
  const { losses } = info;
  const lost: [string, number][] = [
    ["Dropped, the writer being too slow", losses.too_slow],
    ["Lost around a fork", losses.in_fork],
    ["Lost for want of memory", losses.for_memory],
    ["Calls not recorded", losses.calls_unrecorded],
  ];
  return (
    <Panel title="Coverage">
      <Facts facts={lost.map(([name, count]) => [name, count === 0 ? "none" : <strong key={name} className="is-lost">{formatCount(count)}</strong>])} />
      <Notes title="What to know" lines={info.notes} none="Nothing is missing that is known." />
      {info.damage.length > 0 && <Notes title="What could not be read" lines={info.damage} none="" />}
      {info.invisible_allocators.length > 0 && <Notes title="Allocators whose blocks cannot be seen" lines={info.invisible_allocators} none="" />}
    </Panel>
  );
}

function Notes({ title, lines, none }: { title: string; lines: readonly string[]; none: string }) {
  return (
    <>
      <h3>{title}</h3>
      {lines.length === 0 ? (
        <p className="quiet">{none}</p>
      ) : (
        <ul className="notes">
          {lines.map((line) => (
            <li key={line}>{visible(line)}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function Cost() {
  const { info } = useTrace();
  const { cost, collections, trace } = info;
  const known = <T,>(value: T | null, show: (value: T) => string) => (value === null ? (trace.state === "live" ? "known when the recording ends" : "unknown: the trace was cut off") : show(value));
  return (
    <Panel title="What recording cost">
      <Facts
        facts={[
          ["File", formatBytes(cost.file_bytes)],
          ["Recorder's memory at most", known(cost.peak_bytes, formatBytes)],
          ["CPU time for writing", known(cost.writer_cpu_ns, formatDuration)],
          ["The program waited", known(cost.waits, (waits) => (waits === 0 ? "never" : `${formatCount(waits)} times, ${formatDuration(cost.wait_ns ?? 0)} in all`))],
        ]}
      />
      <h3>Garbage collector</h3>
      <Facts
        facts={[
          ["Runs", formatCount(collections.runs)],
          ["Time", formatDuration(collections.duration_ns)],
          ["Objects collected", formatCount(collections.collected)],
        ]}
      />
    </Panel>
  );
}

function Processes() {
  const { info } = useTrace();
  return (
    <Panel title="Processes" isWide>
      <Table
        label="Processes"
        rows={info.processes}
        rowKey={({ process_id }) => process_id}
        columns={[
          { key: "id", title: "Process", cell: ({ process_id }) => process_id },
          { key: "command", title: "Command", isWide: true, cell: ({ command_line }) => <code>{visible(command_line)}</code> },
          { key: "by", title: "Started by", cell: ({ started_by }) => started_by ?? "first" },
          { key: "end", title: "Ended by", cell: ({ ended_by }) => ended_by ?? "killed, or running" },
          { key: "start", title: "From", isNumber: true, cell: ({ start_ns }) => formatDuration(start_ns) },
          { key: "to", title: "To", isNumber: true, cell: ({ end_ns }) => formatDuration(end_ns) },
          { key: "peak", title: "Peak resident", isNumber: true, cell: ({ peak_rss }) => (peak_rss === null ? "–" : formatBytes(peak_rss)) },
          { key: "bytes", title: "Allocated", estimate: ({ bytes }) => bytes },
        ]}
      />
    </Panel>
  );
}

function Metadata() {
  const { info } = useTrace();
  return (
    <Panel title="Metadata" isWide>
      <Facts
        facts={Object.entries(info.metadata).map(([key, value]) => [
          key,
          <code key={key}>{visible(typeof value === "string" ? value : JSON.stringify(value))}</code>,
        ])}
      />
    </Panel>
  );
}
