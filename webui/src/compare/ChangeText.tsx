import { formatBytes, formatChange } from "../lib/units";
import { chanceTitle } from "./chance";
import type { Change } from "./form";

/** A change with its 95 % interval. Only what differs by more than chance is coloured. */
export function ChangeText({
  figure,
  format = formatBytes,
}: {
  figure: Pick<Change, "change" | "is_beyond_chance">;
  format?: (value: number) => string;
}) {
  const { change, is_beyond_chance } = figure;
  const why = chanceTitle(figure);
  return (
    <span
      className={`change ${!is_beyond_chance || change.value === 0 ? "quiet" : change.value > 0 ? "is-more" : "is-less"}`}
      title={why}
    >
      <span>{formatChange(change.value, format)}</span>{" "}
      {change.error > 0 && <span className="error">± {format(change.error)}</span>} {why !== undefined && <span className="error">within chance</span>}
    </span>
  );
}
