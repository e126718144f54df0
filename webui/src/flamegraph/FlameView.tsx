import { useAnswer } from "../data/answers";
import { useTrace } from "../data/trace";
import { formatMoment } from "../lib/units";
import { Choice, Segmented } from "../parts/Segmented";
import { Answered } from "../parts/States";
import { linkTo, useSelection, useSetting } from "../selection/store";
import { FlameContent } from "./FlameContent";
import { FLAME_MODES, flameParameters, type FlameMode } from "./parameters";
import { ShapeChoice } from "./ShapeChoice";

export function FlameView() {
  const { trace } = useTrace();
  const selection = useSelection();
  const [mode] = useSetting<FlameMode>("mode", "allocated", FLAME_MODES);
  const [merge] = useSetting("merge", "function", ["function", "line"]);
  const [isInverted] = useSetting("inverted", "no", ["yes", "no"]);
  const answer = useAnswer("flamegraph", flameParameters(selection, trace.id, { mode, merge, isInverted: isInverted === "yes" }));
  return (
    <>
      <FlameToolbar />
      <Answered answer={answer}>{(form) => <FlameContent form={form} />}</Answered>
    </>
  );
}

function FlameToolbar() {
  const { info, traces } = useTrace();
  const { range, atNs } = useSelection();
  const [mode, setMode] = useSetting<FlameMode>("mode", "allocated", FLAME_MODES);
  const [merge, setMerge] = useSetting("merge", "function", ["function", "line"]);
  const moment = atNs === null ? "the end" : formatMoment(atNs, info.duration_ns / 1000);
  return (
    <div className="toolbar" role="toolbar" aria-label="Flame graph">
      <Segmented
        label="What the flame graph shows"
        value={mode}
        onChange={setMode}
        options={[
          { value: "allocated", label: "Allocated" },
          { value: "live", label: `Live at ${moment}` },
          { value: "born_alive", label: "Born here, still alive" },
          { value: "difference", label: "Difference" },
        ]}
      />
      {mode === "difference" && (
        <span className="quiet">
          to {range === null ? "the start" : "the start of the selection"}
          {traces.length > 1 && (
            <>
              , or <a href={linkTo({ view: "compare", settings: { shown: "graph" } })}>to another trace</a>
            </>
          )}
        </span>
      )}
      <span className="spacer" />
      <Choice
        label="Merge by"
        value={merge}
        onChange={setMerge}
        options={[
          { value: "function", label: "function" },
          { value: "line", label: "line" },
        ]}
      />
      <ShapeChoice />
    </div>
  );
}
