import { useAnswer } from "../data/answers";
import type { Estimate, Info } from "../data/forms";
import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { formatBytes, formatChange, formatCount, formatDuration } from "../lib/units";
import { ShapeChoice } from "../flamegraph/ShapeChoice";
import { EstimateText } from "../parts/Figures";
import { Choice, Segmented } from "../parts/Segmented";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { useSetting } from "../selection/store";
import { ChangeText } from "./ChangeText";
import { Differences } from "./Differences";
import { diffForm, MEASURE_TITLES, MEASURES, ROWS, type Change, type DiffForm, type Measure } from "./form";
import { Graph } from "./Graph";
import "./compare.css";

/** Two traces beside each other: this one, and the one that it is compared with. */
export default function CompareView() {
  const { trace, traces } = useTrace();
  const others = traces.filter(({ id, state }) => id !== trace.id && state !== "bad");
  const [chosen, setBase] = useSetting<string>("base", "");
  const [shown, setShown] = useSetting("shown", "table", ["table", "graph"]);
  const [chosenMeasure, setMeasure] = useSetting<Measure>("measure", "peak", MEASURES);
  const measure = shown === "graph" && chosenMeasure === "allocations" ? "allocated" : chosenMeasure;
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
        <Choice
          label="by"
          value={measure}
          onChange={setMeasure}
          options={MEASURES.filter((name) => shown === "table" || name !== "allocations").map((name) => ({ value: name, label: MEASURE_TITLES[name].toLowerCase() }))}
        />
        <span className="spacer" />
        {shown === "graph" && <ShapeChoice />}
        <Segmented
          label="How differences are shown"
          value={shown}
          onChange={setShown}
          options={[
            { value: "table", label: "Figures" },
            { value: "graph", label: "Flame graph" },
          ]}
        />
      </div>
      {measure !== "allocations" && shown === "graph" ? (
        <Graph base={base.id} measure={measure} />
      ) : (
        <div className="compare">
          <Totals base={base.id} />
          <Differences base={base.id} measure={measure} />
        </div>
      )}
    </>
  );
}

interface Row {
  readonly name: string;
  readonly before: Estimate | null;
  readonly after: Estimate | null;
  /** Null: it is not known, or nobody can say what of it is chance. */
  readonly change: Change | null;
  readonly format: (value: number) => string;
}

/** What sampling has measured and what may be chance is told as by `memlyze diff`; times differ from run to run. */
function rowsOf(totals: DiffForm["totals"], before: Info, after: Info): Row[] {
  const measured = (name: string, change: Change | null = null, format: (value: number) => string = formatBytes): Row => ({
    name,
    before: change?.before ?? null,
    after: change?.after ?? null,
    change,
    format,
  });
  const time = (name: string, of: (info: Info) => number): Row => ({
    name,
    before: { value: of(before), error: 0 },
    after: { value: of(after), error: 0 },
    change: null,
    format: formatDuration,
  });
  return [
    measured("Peak resident memory", totals.rss),
    measured("Peak live memory", totals.peak),
    measured("Allocated", totals.allocated),
    measured("Not freed at the end", totals.live),
    measured("Allocations", totals.allocations, formatCount),
    time("Duration", ({ duration_ns }) => duration_ns),
    time("Time of the collector", ({ collections }) => collections.duration_ns),
  ];
}

function withError(estimate: Estimate | null, format: (value: number) => string) {
  return estimate === null ? "unknown" : <EstimateText estimate={estimate} format={format} />;
}

function Totals({ base }: { base: string }) {
  const { info, trace } = useTrace();
  const answer = useAnswer("info", { trace: base });
  const compared = useAnswer("compare", { trace: trace.id, base, limit: ROWS });
  return (
    <section className="panel compare-totals" aria-label="In all">
      <h2>In all</h2>
      <Answered answer={answer}>
        {(before) => (
          <Answered answer={compared}>
            {(data) => (
              <Table
                label="The two traces in all"
                rows={rowsOf(diffForm(data).totals, before, info)}
                rowKey={({ name }) => name}
                columns={[
                  { key: "name", title: "Figure", isWide: true, cell: ({ name }) => name },
                  { key: "before", title: visible(before.trace.name), isNumber: true, cell: ({ before: value, format }) => withError(value, format) },
                  { key: "after", title: visible(info.trace.name), isNumber: true, cell: ({ after, format }) => withError(after, format) },
                  { key: "change", title: "Change", isNumber: true, cell: (row) => <TotalChange row={row} /> },
                ]}
              />
            )}
          </Answered>
        )}
      </Answered>
    </section>
  );
}

function TotalChange({ row: { before, after, change, format } }: { row: Row }) {
  if (change !== null) {
    return <ChangeText figure={change} format={format} />;
  }
  if (before === null || after === null) {
    return "–";
  }
  return <span title="Times differ from run to run">{formatChange(after.value - before.value, format)}</span>;
}
