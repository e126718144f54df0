import { lazy, Suspense, useEffect, type ComponentType } from "react";

import { useAnswer } from "./data/answers";
import type { TraceEntry } from "./data/forms";
import { UNREACHABLE } from "./data/http";
import { SourceError } from "./data/source";
import { TraceContext } from "./data/trace";
import { FlameView } from "./flamegraph/FlameView";
import { visible } from "./lib/text";
import { Boundary } from "./parts/Boundary";
import { ErrorMessage, Loading, Message } from "./parts/States";
import type { View } from "./selection/selection";
import { useSelection } from "./selection/store";
import { Header } from "./shell/Header";
import { Navigation, VIEW_TITLES } from "./shell/Navigation";
import { Notices } from "./shell/Notices";
import { SelectionBar } from "./shell/SelectionBar";
import { TimelineView } from "./timeline/TimelineView";
import { Overview } from "./timeline/Overview";
import "./shell/shell.css";

/** A view whose code comes when it is needed, which is when the server may have ended. */
function later(load: () => Promise<{ default: ComponentType }>): ComponentType {
  return lazy(() =>
    load().catch(() => {
      throw new SourceError(UNREACHABLE, "unreachable");
    }),
  );
}

/** The views; all but the first two are loaded when they are first opened. */
const CONTENT: Record<View, ComponentType> = {
  timeline: TimelineView,
  flamegraph: FlameView,
  heatmap: later(() => import("./heatmap/HeatmapView")),
  hotspots: later(() => import("./hotspots/HotspotsView")),
  source: later(() => import("./source/SourceView")),
  leaks: later(() => import("./leaks/LeaksView")),
  windows: later(() => import("./windows/WindowsView")),
  compare: later(() => import("./compare/CompareView")),
  sql: later(() => import("./sql/SqlView")),
  info: later(() => import("./info/InfoView")),
};

/** Views that show what was selected on the timeline, and therefore have a small one above them. */
const WITH_OVERVIEW: ReadonlySet<View> = new Set(["flamegraph", "heatmap", "hotspots", "source", "windows"]);

/** The trace of the URL; where that names none, the first that can be read. */
function chosenTrace(traces: readonly TraceEntry[], id: string | null): TraceEntry | undefined {
  // Another trace than that of the link would be shown with times that mean nothing in it.
  return id !== null ? traces.find((trace) => trace.id === id) : (traces.find((trace) => trace.state !== "bad") ?? traces[0]);
}

export function App() {
  const { data, error } = useAnswer("traces", {});
  const id = useSelection((selection) => selection.trace);
  const view = useSelection((selection) => selection.view);
  const trace = data && chosenTrace(data.traces, id);

  useEffect(() => {
    document.title = trace ? `${VIEW_TITLES[view]} – ${trace.name} – memlyze` : "memlyze";
  }, [view, trace]);

  return (
    <div className="shell">
      <a className="skip visually-hidden" href="#main" onClick={skipToMain}>
        Skip to the view
      </a>
      <Header traces={data?.traces ?? []} trace={trace} version={data?.version} />
      <Navigation />
      <main className="main" id="main" tabIndex={-1}>
        <h1 className="visually-hidden">{VIEW_TITLES[view]}</h1>
        {error !== null ? (
          <ErrorMessage error={error} />
        ) : data !== undefined && data.traces.length > 0 && trace === undefined ? (
          <Message title={`${visible(id ?? "")} is not served here`} bad>
            Choose another trace above, or end memlyze serve and give it this one, too.
          </Message>
        ) : data !== undefined && trace === undefined ? (
          <Message title="No trace is served">
            Record a program with “memlyze record -o trace.mlyze app.py”, then “memlyze serve trace.mlyze”.
          </Message>
        ) : trace?.state === "bad" ? (
          <Message title={`${visible(trace.name)} cannot be read`} bad>
            {trace.error}
          </Message>
        ) : trace !== undefined ? (
          <TraceViews key={trace.id} trace={trace} traces={data?.traces ?? []} view={view} />
        ) : null}
      </main>
    </div>
  );
}

function skipToMain(event: { preventDefault(): void }) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function TraceViews({ trace, traces, view }: { trace: TraceEntry; traces: readonly TraceEntry[]; view: View }) {
  const { data: info, error } = useAnswer("info", { trace: trace.id });
  const Content = CONTENT[view];
  if (error !== null) {
    return <ErrorMessage error={error} />;
  }
  if (info === undefined) {
    return <div className="view" aria-busy="true" />;
  }
  return (
    <TraceContext value={{ trace, traces, info }}>
      <Notices />
      <SelectionBar />
      {WITH_OVERVIEW.has(view) && <Overview />}
      <section className="view" aria-label={VIEW_TITLES[view]}>
        <Boundary key={view}>
          <Suspense fallback={<Loading />}>
            <Content />
          </Suspense>
        </Boundary>
      </section>
    </TraceContext>
  );
}
