import { useMemo } from "react";

import { useAnswer } from "../data/answers";
import type { Estimate, WindowGrowth, WindowName, Windows } from "../data/forms";
import { selectionParameters } from "../data/parameters";
import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { nameColour } from "../lib/theme";
import { formatBytes, formatCount, formatDuration, formatMoment, formatShare } from "../lib/units";
import { EstimateBar, EstimateText } from "../parts/Figures";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { linkTo, select, useSelection, useSetting } from "../selection/store";
import { Distribution } from "./Distribution";
import { OneWindow } from "./OneWindow";
import { Scatter } from "./Scatter";
import { BY_WHAT_STAYS, TERMS } from "./terms";
import "./windows.css";

const NAMES = 500;

/** Requests, tasks, tests and `with memlyze.window(...)` blocks: by name, each as a dot, and one by itself. */
export default function WindowsView() {
  const { trace, info } = useTrace();
  const selection = useSelection();
  const [name, setName] = useSetting<string>("name", "");
  const parameters = { ...selectionParameters({ ...selection, windowId: null }, trace.id) };
  const names = useAnswer("windows/names", info.has.windows ? { ...parameters, limit: NAMES } : null);
  const windows = useAnswer("windows", info.has.windows ? { ...parameters, ...(name !== "" && { name }) } : null);
  if (!info.has.windows) {
    return (
      <Message title="The trace has no windows">
        A window is one request, task or test. Add the middleware of memlyze.integrations to a web application, or put{" "}
        <code>with memlyze.window("import"):</code> around a piece of work, and record again.
      </Message>
    );
  }
  return (
    <div className="windows">
      <section aria-label="By name">
        <Answered answer={names}>{({ names: rows, total, outside }) => (
            <>
              <NameTable rows={rows} chosen={name} onChoose={(next) => setName(next === name ? "" : next)} />
              {rows.length < total && (
                <p className="windows-outside">
                  The {rows.length} names whose windows allocated most, of {formatCount(total)}. Names tell routes and jobs apart; where each request has its own, give it that of its route.
                </p>
              )}
              <OutsideText outside={outside} />
            </>
          )}</Answered>
      </section>
      <section className="windows-each" aria-label="Each window">
        <Answered answer={windows}>
          {(data) => (
            <>
              <h2>
                {name === "" ? "All windows" : visible(name)}{" "}
                <span className="quiet">
                  {data.window_id.length < data.total ? `the ${formatCount(data.window_id.length)} that allocated most, of ${formatCount(data.total)}` : formatCount(data.total)}
                </span>
              </h2>
              {data.window_id.length === 0 ? (
                <Message title="No window here">Choose a longer stretch on the timeline above, or clear the selection.</Message>
              ) : (
                <>
                  <Scatter windows={data} chosen={selection.windowId} onChoose={(windowId) => select({ windowId })} />
                  <WindowTable windows={data} chosen={selection.windowId} />
                </>
              )}
            </>
          )}
        </Answered>
      </section>
      {selection.windowId !== null && <OneWindow windowId={selection.windowId} />}
    </div>
  );
}

/** From this share on, what is in windows is not where to look first. */
const MOSTLY_OUTSIDE = 0.5;

function OutsideText({ outside }: { outside: { readonly allocated: Estimate; readonly live: Estimate; readonly share: number } }) {
  const hotspots = <a href={linkTo({ view: "hotspots", windowId: null, settings: { by: "site" } })}>Hotspots</a>;
  return (
    <p className="windows-outside">
      <strong>In no window</strong> <EstimateText estimate={outside.allocated} /> allocated ({formatShare(outside.share)} of all), of which{" "}
      <EstimateText estimate={outside.live} /> held at the end.{" "}
      {outside.share > MOSTLY_OUTSIDE ? <>Most was allocated outside of them: {hotspots} has all of it, by line.</> : <>{hotspots} has it too, by line.</>}
    </p>
  );
}

function NameTable({ rows, chosen, onChoose }: { rows: readonly WindowName[]; chosen: string; onChoose: (name: string) => void }) {
  const whole = Math.max(1, ...rows.map(({ allocated }) => allocated.value));
  const wholeHeld = Math.max(1, ...rows.map(({ live }) => live.value));
  const greatest = Math.max(1, ...rows.map(({ quantiles }) => quantiles.allocated_bytes.at(-1) ?? 0));
  return (
    <Table
      label="Windows by name"
      rows={rows}
      rowKey={({ name, kind }) => `${kind}\0${name}`}
      initial={BY_WHAT_STAYS}
      setting="windows_sort"
      isCurrent={({ name }) => name === chosen}
      onChoose={({ name }) => onChoose(name)}
      columns={[
        {
          key: "name",
          title: "Name",
          isWide: true,
          sortBy: ({ name }) => name,
          cell: ({ name }) => (
            <button type="button" className="site-button" aria-pressed={name === chosen} title={visible(name)} onClick={() => onChoose(name)}>
              <span className="windows-name">
                <i className="swatch" style={{ background: nameColour(name) }} aria-hidden="true" />
                <strong>{visible(name)}</strong>
              </span>
            </button>
          ),
        },
        { key: "windows", title: "Windows", help: TERMS.windows, isNumber: true, sortBy: ({ windows }) => windows, cell: ({ windows }) => formatCount(windows) },
        {
          key: "allocated",
          title: "Allocated",
          help: TERMS.allocated,
          estimate: ({ allocated }) => allocated,
          cell: ({ allocated }) => <EstimateBar estimate={allocated} whole={whole} />,
        },
        {
          key: "live",
          title: "Held at the end",
          help: TERMS.live,
          estimate: ({ live }) => live,
          cell: ({ live }) => <EstimateBar estimate={live} whole={wholeHeld} kind="alive" />,
        },
        {
          key: "growth",
          title: "Left by each",
          help: TERMS.growth,
          estimate: ({ growth }) => growth.bytes_per_window,
          cell: ({ growth }) => <GrowthText growth={growth} />,
        },
        { key: "retained", title: "Retained", help: TERMS.retained, estimate: ({ retained }) => retained },
        { key: "mean", title: "Mean", help: TERMS.mean, estimate: (row) => row.mean_allocated },
        {
          key: "distribution",
          title: "Allocated by one",
          help: TERMS.distribution,
          cell: ({ quantiles }) => <Distribution quantiles={quantiles.q} values={quantiles.allocated_bytes} greatest={greatest} />,
        },
        {
          key: "duration",
          title: "Mean time",
          isNumber: true,
          sortBy: ({ mean_duration_ns }) => mean_duration_ns ?? 0,
          cell: ({ mean_duration_ns }) => (mean_duration_ns === null ? "–" : formatDuration(mean_duration_ns)),
        },
      ]}
    />
  );
}

/** In the words of `memlyze windows`; what grows is marked. */
function GrowthText({ growth }: { growth: WindowGrowth }) {
  const left = growth.bytes_per_window;
  if (growth.windows === 0) {
    return "–";
  }
  if (left.value < 1) {
    return left.error >= 1 ? `under ${formatBytes(left.error)}` : "0 B";
  }
  return (
    <span className={growth.verdict === "grows" ? "windows-grows" : undefined}>
      <EstimateText estimate={left} />
    </span>
  );
}

function WindowTable({ windows, chosen }: { windows: Windows; chosen: number | null }) {
  const { info } = useTrace();
  const at = <T,>(values: readonly T[], index: number): T => values[index] as T;
  const greatest = useMemo(() => ({ allocated: Math.max(1, ...windows.allocated_bytes), retained: Math.max(1, ...windows.retained_bytes) }), [windows]);
  const estimate = (bytes: readonly number[], errors: readonly number[], index: number): Estimate => ({ value: at(bytes, index), error: at(errors, index) });
  const allocated = (index: number) => estimate(windows.allocated_bytes, windows.allocated_error, index);
  const retained = (index: number) => estimate(windows.retained_bytes, windows.retained_error, index);
  return (
    <Table
      label="Windows, one by one"
      rows={windows.window_id.map((_, index) => index)}
      rowKey={(index) => at(windows.window_id, index)}
      initial={{ key: "allocated", isAscending: false }}
      isCurrent={(index) => at(windows.window_id, index) === chosen}
      onChoose={(index) => select({ windowId: at(windows.window_id, index) })}
      columns={[
        {
          key: "name",
          title: "Window",
          isWide: true,
          sortBy: (index) => at(windows.name, index),
          cell: (index) => (
            <button type="button" className="site-button" onClick={() => select({ windowId: at(windows.window_id, index) })}>
              {visible(at(windows.name, index))} <span className="quiet">{at(windows.window_id, index)}</span>
            </button>
          ),
        },
        { key: "start", title: "Began", isNumber: true, sortBy: (index) => at(windows.start_ns, index), cell: (index) => formatMoment(at(windows.start_ns, index), info.duration_ns / 1000) },
        {
          key: "duration",
          title: "Took",
          isNumber: true,
          sortBy: (index) => at(windows.duration_ns, index) ?? Infinity,
          cell: (index) => {
            const duration = at(windows.duration_ns, index);
            return duration === null ? "open" : formatDuration(duration);
          },
        },
        { key: "allocated", title: "Allocated", estimate: allocated, cell: (index) => <EstimateBar estimate={allocated(index)} whole={greatest.allocated} /> },
        { key: "retained", title: "Retained", help: TERMS.retained, estimate: retained, cell: (index) => <EstimateBar estimate={retained(index)} whole={greatest.retained} kind="alive" /> },
      ]}
    />
  );
}
