import { Play, Square } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { useAnswer, useSource } from "../data/answers";
import type { Schema, SqlResult } from "../data/forms";
import { SourceError } from "../data/source";
import { useTrace } from "../data/trace";
import { formatBytes, formatCount, formatDuration, plural } from "../lib/units";
import { Segmented } from "../parts/Segmented";
import { Message } from "../parts/States";
import { currentSelection, select, useSetting } from "../selection/store";
import { Editor, type EditorHandle } from "./Editor";
import { QuickChart } from "./QuickChart";
import { ResultGrid } from "./ResultGrid";
import { SchemaList } from "./SchemaList";
import "./sql.css";

const FIRST_QUERY = "SELECT function, file, line, bytes, bytes_error, live_bytes, samples\nFROM hotspots()\nLIMIT 20";
const FORMATS = ["csv", "json", "jsonl", "parquet", "arrow"] as const;

type Run =
  | { readonly state: "none" }
  | { readonly state: "running"; readonly queryId: string; readonly since: number }
  | { readonly state: "done"; readonly result: SqlResult }
  | { readonly state: "failed"; readonly error: SourceError };

/** A console: any question that SQL can ask of the trace. */
export default function SqlView() {
  const { trace } = useTrace();
  const { sql } = useSource();
  const { data: schema } = useAnswer("schema", { trace: trace.id });
  const editor = useRef<EditorHandle>(null);
  const [run, setRun] = useState<Run>({ state: "none" });
  const running = useRef<string | null>(null);
  const linked = currentSelection().settings.query;

  const start = async () => {
    const query = editor.current?.text().trim() ?? "";
    if (sql === null || query === "") {
      return;
    }
    await cancel();
    const queryId = crypto.getRandomValues(new Uint32Array(3)).join("-");
    running.current = queryId;
    select({ settings: { query } });
    setRun({ state: "running", queryId, since: performance.now() });
    try {
      const result = await sql.run({ queryId, trace: trace.id, query }, new AbortController().signal);
      if (running.current === queryId) {
        setRun({ state: "done", result });
      }
    } catch (error) {
      if (running.current === queryId) {
        setRun({ state: "failed", error: error instanceof SourceError ? error : new SourceError(String(error), "internal") });
      }
    } finally {
      if (running.current === queryId) {
        running.current = null;
      }
    }
  };
  const cancel = async () => {
    if (running.current !== null && sql !== null) {
      await sql.cancel(running.current).catch(() => undefined);
    }
  };
  useEffect(() => {
    if (linked !== undefined) {
      void start();
    }
    return () => void cancel();
    // Only a link that was followed runs its query by itself.
  }, []);

  if (sql === null) {
    return <Message title="No queries here">This page has no server behind it. Open the trace with “memlyze query” or “memlyze serve”.</Message>;
  }
  return (
    <div className="sql">
      <div className="sql-main">
        <div className="sql-edit">
          <Editor ref={editor} initial={linked ?? FIRST_QUERY} schema={schema} onRun={() => void start()} />
        </div>
        <div className="toolbar" role="toolbar" aria-label="Query">
          <button type="button" className="button is-primary" onClick={() => void start()} disabled={run.state === "running"} title="Ctrl+Enter">
            <Play size={13} aria-hidden="true" />
            Run
          </button>
          <button type="button" className="button" onClick={() => void cancel()} disabled={run.state !== "running"}>
            <Square size={12} aria-hidden="true" />
            Cancel
          </button>
          <Examples schema={schema} onChoose={(text) => editor.current?.replace(text)} />
          <span className="spacer" />
          <RunState run={run} schema={schema} />
        </div>
        {run.state === "done" ? <Result key={run.result.query_id} result={run.result} downloadUrl={sql.downloadUrl} /> : <NoResult run={run} />}
      </div>
      <SchemaList schema={schema} onInsert={(text) => editor.current?.insert(text)} />
    </div>
  );
}

function Examples({ schema, onChoose }: { schema: Schema | undefined; onChoose: (sql: string) => void }) {
  return (
    <select
      className="select"
      aria-label="Examples"
      value=""
      onChange={(event) => {
        const example = schema?.examples[Number(event.target.value)];
        if (example !== undefined) {
          onChoose(example.sql);
        }
      }}
    >
      <option value="" disabled>
        Examples
      </option>
      {schema?.examples.map(({ title }, index) => (
        <option key={index} value={index}>
          {title}
        </option>
      ))}
    </select>
  );
}

function RunState({ run, schema }: { run: Run; schema: Schema | undefined }) {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (run.state !== "running") {
      return;
    }
    const timer = window.setInterval(() => setNow(performance.now()), 100);
    return () => window.clearInterval(timer);
  }, [run]);
  return (
    <span className="quiet number" role="status">
      {run.state === "running"
        ? `Running, ${(Math.max(0, now - run.since) / 1000).toFixed(1)} s`
        : run.state === "done"
          ? `${plural(run.result.row_count, "row")}${run.result.is_truncated ? " (there are more: download has all)" : ""} in ${formatDuration(run.result.elapsed_ns)}`
          : run.state === "none" && schema !== undefined
            ? `Read-only, at most ${schema.limits.seconds} s and ${formatBytes(schema.limits.memory_bytes)}`
            : ""}
    </span>
  );
}

function NoResult({ run }: { run: Run }) {
  if (run.state === "failed") {
    return run.error.kind === "cancelled" ? (
      <Message title="Cancelled">The query was stopped. Change it, or run it again.</Message>
    ) : (
      <div className="sql-error" role="alert">
        <strong>The query did not run</strong>
        <pre>{run.error.message}</pre>
      </div>
    );
  }
  return run.state === "running" ? (
    <Message title="Running" />
  ) : (
    <Message title="Ask anything">Choose an example, or write a query and press Ctrl+Enter. All views and columns are listed on this page, each with its meaning.</Message>
  );
}

function Result({ result, downloadUrl }: { result: SqlResult; downloadUrl: (queryId: string, format: string) => string }) {
  const [shape, setShape] = useSetting("result", "table", ["table", "chart"]);
  const [units, setUnits] = useSetting("units", "yes", ["yes", "no"]);
  const [format, setFormat] = useState<string>("csv");
  return (
    <section className="sql-result" aria-label="Result">
      <div className="toolbar">
        <Segmented
          label="Shape of the result"
          value={shape}
          onChange={setShape}
          options={[
            { value: "table", label: "Table" },
            { value: "chart", label: "Chart" },
          ]}
        />
        <label className="field">
          <input type="checkbox" checked={units === "yes"} onChange={(event) => setUnits(event.target.checked ? "yes" : "no")} />
          Units
        </label>
        <span className="spacer" />
        <select className="select" aria-label="Format of the download" value={format} onChange={(event) => setFormat(event.target.value)}>
          {FORMATS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <a className="button" href={downloadUrl(result.query_id, format)} download>
          Download {result.is_truncated ? "all" : formatCount(result.row_count)}
        </a>
      </div>
      {result.row_count === 0 ? (
        <Message title="No rows">The query is right, and nothing matches it.</Message>
      ) : shape === "chart" ? (
        <QuickChart result={result} />
      ) : (
        <ResultGrid result={result} hasUnits={units === "yes"} />
      )}
    </section>
  );
}
