import { useAnswer } from "../data/answers";
import type { Estimate, Info } from "../data/forms";
import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { formatBytes, formatBytesChange, formatCount, formatDuration } from "../lib/units";
import { Choice } from "../parts/Segmented";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { useSetting } from "../selection/store";
import { Differences } from "./Differences";
import "./compare.css";

/** Two traces beside each other: this one, and the one that it is compared with. */
export default function CompareView() {
  const { trace, traces } = useTrace();
  const others = traces.filter(({ id, state }) => id !== trace.id && state !== "bad");
  const [chosen, setBase] = useSetting<string>("base", "");
  const base = others.find(({ id }) => id === chosen) ?? others[0];
  if (base === undefined) {
    return (
      <Message title="There is only one trace">
        Serve two to compare them: “memlyze serve before.mlyze after.mlyze”, or a folder of traces.
      </Message>
    );
  }
  return (
    <>
      <div className="toolbar" role="toolbar" aria-label="Compare">
        <span>
          <strong>{visible(trace.name)}</strong> compared
        </span>
        <Choice label="with" value={base.id} onChange={setBase} options={others.map(({ id, name }) => ({ value: id, label: visible(name) }))} />
      </div>
      <div className="compare">
        <Totals base={base.id} />
        <Differences base={base.id} />
      </div>
    </>
  );
}

interface Row {
  readonly name: string;
  readonly before: Estimate | null;
  readonly after: Estimate | null;
  readonly format: (value: number) => string;
}

function exact(value: number | null | undefined): Estimate | null {
  return value === null || value === undefined ? null : { value, error: 0 };
}

function rowsOf(before: Info, after: Info): Row[] {
  const row = (name: string, of: (info: Info) => Estimate | null, format: (value: number) => string = formatBytes): Row => ({
    name,
    before: of(before),
    after: of(after),
    format,
  });
  return [
    row("Peak resident memory", ({ peak_rss }) => exact(peak_rss?.bytes)),
    row("Peak live heap", ({ peak_heap }) => exact(peak_heap?.bytes)),
    row("Allocated", ({ bytes }) => bytes),
    row("Not freed at the end", ({ live_bytes }) => live_bytes),
    row("Allocations", ({ allocations }) => allocations, formatCount),
    row("Duration", ({ duration_ns }) => exact(duration_ns), formatDuration),
    row("Time of the collector", ({ collections }) => exact(collections.duration_ns), formatDuration),
  ];
}

function withError(estimate: Estimate | null, format: (value: number) => string): string {
  return estimate === null ? "unknown" : format(estimate.value) + (estimate.error > 0 ? ` ± ${format(estimate.error)}` : "");
}

function Totals({ base }: { base: string }) {
  const { info } = useTrace();
  const answer = useAnswer("info", { trace: base });
  return (
    <section className="panel" aria-label="In all">
      <h2>In all</h2>
      <Answered answer={answer}>
        {(before) => (
          <Table
            label="The two traces in all"
            rows={rowsOf(before, info)}
            rowKey={({ name }) => name}
            columns={[
              { key: "name", title: "", isWide: true, cell: ({ name }) => name },
              { key: "before", title: visible(before.trace.name), isNumber: true, cell: ({ before: value, format }) => withError(value, format) },
              { key: "after", title: visible(info.trace.name), isNumber: true, cell: ({ after, format }) => withError(after, format) },
              { key: "change", title: "Change", isNumber: true, cell: (row) => <Change row={row} /> },
            ]}
          />
        )}
      </Answered>
    </section>
  );
}

/** What differs by more than chance is coloured. */
function Change({ row: { before, after, format } }: { row: Row }) {
  if (before === null || after === null) {
    return "–";
  }
  const change = after.value - before.value;
  const error = Math.hypot(before.error, after.error);
  const isBytes = format === formatBytes;
  const sign = change > 0 ? "+" : change < 0 ? "−" : "";
  const text = isBytes ? formatBytesChange(change) : `${sign}${format(Math.abs(change))}`;
  return <span className={Math.abs(change) <= error ? "quiet" : change > 0 ? "is-more" : "is-less"}>{text}</span>;
}
