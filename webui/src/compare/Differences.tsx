import { useAnswer } from "../data/answers";
import { shortPath, visible } from "../lib/text";
import { plural } from "../lib/units";
import { PlaceText, TraceOfPlaces } from "../parts/Figures";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { useSelection } from "../selection/store";
import { excludesZeroByChance } from "./chance";
import { ChangeText } from "./ChangeText";
import { diffForm, MEASURE_TITLES, ROWS, type DiffForm, type Difference, type Measure } from "./form";

/** Function by function, what differs; what may be chance is told from what is not. */
export function Differences({ base, after, measure }: { base: string; after: string; measure: Measure }) {
  const processId = useSelection((selection) => selection.processId);
  const answer = useAnswer("compare", { trace: after, base, measure, limit: ROWS, ...(processId !== null && { process_id: processId }) });
  return (
    <section className="panel" aria-label="By function">
      <Answered answer={answer}>{(data) => <Rows diff={diffForm(data)} base={base} after={after} />}</Answered>
    </section>
  );
}

function Rows({ diff, base, after }: { diff: DiffForm; base: string; after: string }) {
  if (diff.rows.length === 0) {
    return <Message title="Nothing to compare">Neither trace has an allocation.</Message>;
  }
  const count = diff.beyond_chance_count;
  return (
    <>
      <h2>
        By {diff.by}: {MEASURE_TITLES[diff.measure].toLowerCase()}
        <span className="quiet">
          {count === 0 ? "nothing differs beyond chance" : `${plural(count, "row")} ${count === 1 ? "differs" : "differ"} beyond chance`}, of {diff.row_count}
        </span>
      </h2>
      {diff.rows.some(({ figure }) => excludesZeroByChance(figure)) && (
        <p className="quiet compare-note">
          A row may be within chance though its ± leaves 0 out: of many rows some do so by chance, so they are judged together; and those of few samples need more.
        </p>
      )}
      <Table
        label="Differences"
        rows={diff.rows}
        rowKey={(_, index) => index}
        columns={[
          { key: "place", title: "Where", isWide: true, cell: (row) => <DifferencePlace row={row} trace={row.position_after ? after : base} /> },
          { key: "before", title: "Before", estimate: ({ figure }) => figure.before },
          { key: "after", title: "After", estimate: ({ figure }) => figure.after },
          { key: "change", title: "Change", isNumber: true, sortBy: ({ figure }) => Math.abs(figure.change.value), cell: (row) => <ChangeText figure={row.figure} /> },
        ]}
      />
    </>
  );
}

/** The module of a script, whatever that is called. */
const MAIN = "__main__";

/** A function and its file, of a script in both traces; no line, as the figures are of all lines of it. */
function DifferencePlace({ row, trace }: { row: Difference; trace: string }) {
  const { place, position_after, position_before } = row;
  const file = (position_after ?? position_before)?.file ?? null;
  const fileBefore = place.module === MAIN && position_before ? position_before.file : file;
  return (
    <TraceOfPlaces value={trace}>
      <PlaceText place={{ function: place.function || place.module, file, line: null, module: place.module, origin: null }} label={visible(place.module)} />
      {fileBefore !== file && fileBefore !== null && (
        <span className="quiet" title={visible(fileBefore)}>
          {" "}
          before: {shortPath(visible(fileBefore))}
        </span>
      )}
    </TraceOfPlaces>
  );
}
