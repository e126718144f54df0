import { useAnswer } from "../data/answers";
import { FlameContent } from "../flamegraph/FlameContent";
import { Answered } from "../parts/States";
import { useSelection, useSetting } from "../selection/store";
import type { Measure } from "./form";

/** The call tree that two traces have in common: what is more than in the base, and what is less. */
export function Graph({ base, after, measure }: { base: string; after: string; measure: Exclude<Measure, "allocations"> }) {
  const processId = useSelection((selection) => selection.processId);
  const [isInverted] = useSetting("inverted", "no", ["yes", "no"]);
  const answer = useAnswer("flamegraph", {
    trace: after,
    base,
    mode: "difference",
    measure,
    inverted: isInverted === "yes",
    ...(processId !== null && { process_id: processId }),
  });
  return <Answered answer={answer}>{(form) => <FlameContent form={form} />}</Answered>;
}
