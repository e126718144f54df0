import { useAnswer } from "../data/answers";
import type { Estimate, Info } from "../data/forms";
import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { formatBytes, formatChange, formatCount, formatDuration } from "../lib/units";
import { ShapeChoice } from "../flamegraph/ShapeChoice";
import { EstimateText, TraceOfPlaces } from "../parts/Figures";
import { Choice, Segmented } from "../parts/Segmented";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { select, useSetting } from "../selection/store";
import { ChangeText } from "./ChangeText";
import { Differences } from "./Differences";
import { diffForm, MEASURE_TITLES, MEASURES, ROWS, type Change, type DiffForm, type Measure } from "./form";
import { Graph } from "./Graph";
import { pairOf } from "./pair";
import { unlikeTexts } from "./unlike";
import "./compare.css";

/** Two traces beside each other: the one before, and the one after. */
export default function CompareView() {
  const { trace, traces } = useTrace();
  const [chosenBase] = useSetting<string>("base", "");
  const [chosenAfter] = useSetting<string>("after", "");
  const [shown, setShown] = useSetting("shown", "table", ["table", "graph"]);
  const [chosenMeasure, setMeasure] = useSetting<Measure>("measure", "peak", MEASURES);
  const measure = shown === "graph" && chosenMeasure === "allocations" ? "allocated" : chosenMeasure;
  const pair = pairOf(traces, trace.id, chosenBase, chosenAfter);
  if (pair === null) {
    return (
      <Message title="There is only one trace">
        Serve two to compare them: “memlyze serve before.mlyze after.mlyze”, or a folder of traces.
      </Message>
    );
  }
  const [base, after] = [pair.before.id, pair.after.id];
  const options = traces.filter(({ state }) => state !== "bad").map(({ id, name }) => ({ value: id, label: visible(name) }));
  // To choose what stands on the other side is to exchange the two.
  const setBase = (next: string) => select({ settings: { base: next, after: next === after ? base : after } });
  const setAfter = (next: string) => select({ settings: { base: next === base ? after : base, after: next } });
  return (
    <>
      <div className="toolbar" role="toolbar" aria-label="Compare">
        <Choice label="Before" value={base} onChange={setBase} options={options} />
        <Choice label="after" value={after} onChange={setAfter} options={options} />
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
        <TraceOfPlaces value={after}>
          <Graph base={base} after={after} measure={measure} />
        </TraceOfPlaces>
      ) : (
        <div className="compare">
          <Totals base={base} after={after} />
          <Differences base={base} after={after} measure={measure} />
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
    measured("Not freed", totals.live),
    measured("Allocations", totals.allocations, formatCount),
    time("Duration", ({ duration_ns }) => duration_ns),
    time("Time of the collector", ({ collections }) => collections.duration_ns),
  ];
}

function withError(estimate: Estimate | null, format: (value: number) => string) {
  return estimate === null ? "unknown" : <EstimateText estimate={estimate} format={format} />;
}

function Totals({ base, after }: { base: string; after: string }) {
  const ofBase = useAnswer("info", { trace: base });
  const ofAfter = useAnswer("info", { trace: after });
  const compared = useAnswer("compare", { trace: after, base, limit: ROWS });
  return (
    <section className="panel compare-totals" aria-label="In all">
      <h2>In all</h2>
      <Answered answer={ofBase}>
        {(before) => (
          <Answered answer={ofAfter}>
            {(info) => (
              <Answered answer={compared}>
                {(data) => (
                  <>
                    <TotalsTable totals={diffForm(data).totals} before={before} after={info} />
                    {unlikeTexts(diffForm(data)).map((text) => (
                      <p key={text} className="quiet">
                        {text}
                      </p>
                    ))}
                  </>
                )}
              </Answered>
            )}
          </Answered>
        )}
      </Answered>
    </section>
  );
}

function TotalsTable({ totals, before, after }: { totals: DiffForm["totals"]; before: Info; after: Info }) {
  return (
    <Table
      label="The two traces in all"
      rows={rowsOf(totals, before, after)}
      rowKey={({ name }) => name}
      columns={[
        { key: "name", title: "Figure", isWide: true, cell: ({ name }) => name },
        { key: "before", title: `Before: ${visible(before.trace.name)}`, isNumber: true, cell: ({ before: value, format }) => withError(value, format) },
        { key: "after", title: `After: ${visible(after.trace.name)}`, isNumber: true, cell: ({ after: value, format }) => withError(value, format) },
        { key: "change", title: "Change", isNumber: true, cell: (row) => <TotalChange row={row} /> },
      ]}
    />
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
