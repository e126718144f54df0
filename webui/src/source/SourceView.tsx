import { useEffect, useMemo, useRef } from "react";

import { useAnswer } from "../data/answers";
import type { Estimate, Source, SourceFile } from "../data/forms";
import { aliveAt, selectionParameters } from "../data/parameters";
import { useTrace } from "../data/trace";
import { shortPath, visible } from "../lib/text";
import { formatBytes } from "../lib/units";
import { EstimateText } from "../parts/Figures";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { select, useSelection, useSetting } from "../selection/store";
import { highlightPython } from "./highlight";
import "../parts/code.css";
import "./source.css";

const FILES = 300;

/** The code, with what each line allocated beside it. */
export default function SourceView() {
  const { trace } = useTrace();
  const selection = useSelection();
  const parameters = { ...selectionParameters(selection, trace.id), ...aliveAt(selection) };
  const files = useAnswer("source/files", { ...parameters, limit: FILES });
  const [named] = useSetting<string>("file", "");
  const first = files.data?.files.find(({ origin, file }) => origin === "program" && !file.startsWith("<")) ?? files.data?.files[0];
  const file = named || first?.file;
  const source = useAnswer("source", file === undefined ? null : { ...parameters, file });
  return (
    <div className="source">
      <Answered answer={files}>
        {({ files: list }) =>
          list.length === 0 && named === "" ? (
            <Message title="No file allocated anything here">Choose a longer stretch on the timeline above, or clear the selection.</Message>
          ) : (
            <FileList files={list} current={file} />
          )
        }
      </Answered>
      {file !== undefined && <Answered answer={source}>{(data) => <Code source={data} />}</Answered>}
    </div>
  );
}

function FileList({ files, current }: { files: readonly SourceFile[]; current: string | undefined }) {
  const choose = (file: string) => select({ settings: { file, line: null } });
  return (
    <>
      <label className="source-choice field">
        <span className="visually-hidden">File</span>
        <select className="select" value={current} onChange={(event) => choose(event.target.value)}>
          {!files.some(({ file }) => file === current) && current !== undefined && <option value={current}>{shortPath(visible(current))}</option>}
          {files.map(({ file, allocated }) => (
            <option key={file} value={file}>
              {shortPath(visible(file))} – {formatBytes(allocated.value)}
            </option>
          ))}
        </select>
      </label>
      <nav className="source-files" aria-label="Files that allocated">
        <ul>
          {files.map((entry) => (
            <li key={entry.file}>
              <button
                type="button"
                aria-current={entry.file === current ? "true" : undefined}
                title={visible(entry.file)}
                onClick={() => choose(entry.file)}
              >
                <span className="origin" style={{ background: `var(--${originVariable(entry.origin)})` }} />
                <span className="name" dir="ltr">{shortPath(visible(entry.file))}</span>
                <span className="number">{formatBytes(entry.allocated.value)}</span>
              </button>
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
}

function originVariable(origin: string): string {
  return origin.replace(" ", "-");
}

function Code({ source }: { source: Source }) {
  const [line] = useSetting<string>("line", "");
  const [shape, setShape] = useSetting("source_as", "code", ["code", "table"]);
  const figures = useMemo(() => new Map(source.figures.map((figure) => [figure.line, figure])), [source]);
  const pieces = useMemo(() => (source.lines === null ? [] : highlightPython(source.lines)), [source]);
  const most = Math.max(1, ...source.figures.map(({ allocated }) => allocated.value));
  const current = Number(line) || 0;
  const hottest = source.figures.reduce((most, figure) => (figure.allocated_self.value > (figures.get(most)?.allocated_self.value ?? 0) ? figure.line : most), 0);
  const goal = current || hottest;
  const currentLine = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    currentLine.current?.scrollIntoView({ block: "center" });
  }, [source.file, goal, source.lines === null]);

  return (
    <section className="source-code" aria-label="Code">
      <header>
        <strong title={visible(source.file)} dir="ltr">{visible(source.file)}</strong>
        <span className={`badge ${STATE_BADGES[source.state] ?? ""}`} title={source.reason}>
          {STATE_TEXTS[source.state]}
        </span>
        <span className="spacer" />
        {source.lines !== null && (
          <button type="button" className="button is-quiet" aria-pressed={shape === "table"} onClick={() => setShape(shape === "table" ? "code" : "table")}>
            Lines with figures
          </button>
        )}
      </header>
      {source.state === "changed" && <p className="notice">{source.reason}</p>}
      {source.lines === null || shape === "table" ? (
        <>
          {source.lines === null && <p className="notice">{source.reason}</p>}
          <FigureTable source={source} />
        </>
      ) : (
        <div className="code-scroll" tabIndex={0} role="region" aria-label={`Code of ${shortPath(source.file)}`}>
          <table className="code-table">
            <thead>
              <tr>
                <th scope="col" className="number own" title="Allocated by the line itself, not by what it called">Itself</th>
                <th scope="col" className="number" title="Allocated by the line and all that it called; the darker part is its own">With callees</th>
                <th scope="col" className="number" title="Of that with callees, not freed at the cursor; without one, not freed at all">Alive</th>
                <th scope="col" className="number">Line</th>
                <th scope="col">Code</th>
              </tr>
            </thead>
            <tbody>
              {pieces.map((line_, index) => {
                const number = index + 1;
                const figure = figures.get(number);
                return (
                  <tr key={number} ref={number === goal ? currentLine : undefined} className={number === current ? "is-current" : undefined} data-line={number}>
                    <td className="number own">{figure && figure.allocated_self.value > 0 && <EstimateText estimate={figure.allocated_self} />}</td>
                    <td className="number">{figure && <MarginBar estimate={figure.allocated} own={figure.allocated_self.value} most={most} kind="born" />}</td>
                    <td className="number">
                      {figure && figure.live.value > 0 && <MarginBar estimate={figure.live} most={most} kind="alive" />}
                    </td>
                    <td className="number line-number">{number}</td>
                    <td className="code-text">
                      {line_.map(({ text, kind }, at) => (kind === "" ? text : <span key={at} className={kind}>{text}</span>))}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

const STATE_TEXTS: Record<Source["state"], string> = {
  stored: "stored in the trace",
  unchanged: "unchanged since",
  unverified: "not changed since, by its date",
  changed: "changed since it ran",
  missing: "not there any more",
  not_a_file: "not a file",
  withheld: "not shown",
};

const STATE_BADGES: Partial<Record<Source["state"], string>> = { stored: "is-good", unchanged: "is-good", changed: "is-warn", missing: "is-warn" };

function MarginBar({ estimate, own = 0, most, kind }: { estimate: Estimate; own?: number; most: number; kind: "born" | "alive" }) {
  return (
    <span className={`margin-bar ${kind}`}>
      <span className="fill" style={{ width: `${(100 * estimate.value) / most}%` }} />
      {own > 0 && <span className="fill" style={{ width: `${(100 * own) / most}%` }} />}
      <EstimateText estimate={estimate} />
    </span>
  );
}

function FigureTable({ source }: { source: Source }) {
  if (source.figures.length === 0) {
    return <Message title="No line of it allocated anything here">Choose a longer stretch on the timeline above, or clear the selection.</Message>;
  }
  return (
    <Table
      label={`Lines of ${shortPath(source.file)}`}
      rows={source.figures}
      rowKey={({ line }) => line}
      initial={{ key: "allocated", isAscending: false }}
      columns={[
        { key: "line", title: "Line", isNumber: true, sortBy: ({ line }) => line, cell: ({ line }) => line },
        { key: "function", title: "Function", isWide: true, cell: ({ functions }) => visible(functions.join(", ")) },
        { key: "allocated", title: "With callees", help: "Allocated by the line and all that it called", estimate: ({ allocated }) => allocated },
        { key: "self", title: "Itself", help: "Allocated by the line, not by what it called", estimate: ({ allocated_self }) => allocated_self },
        { key: "live", title: "Alive", help: "Of that with callees, not freed at the cursor; without one, not freed at all", estimate: ({ live }) => live },
      ]}
    />
  );
}

