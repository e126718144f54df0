import { formatBytes, formatChange } from "../lib/units";
import type { Change } from "./form";

/** A change with its 95 % interval. Only what differs by more than chance is coloured. */
export function ChangeText({
  figure: { change, is_beyond_chance },
  format = formatBytes,
}: {
  figure: Pick<Change, "change" | "is_beyond_chance">;
  format?: (value: number) => string;
}) {
  const isChance = !is_beyond_chance && change.value !== 0;
  return (
    <span
      className={`change ${!is_beyond_chance || change.value === 0 ? "quiet" : change.value > 0 ? "is-more" : "is-less"}`}
      title={isChance ? "It may be chance" : undefined}
    >
      <span>{formatChange(change.value, format)}</span>{" "}
      {change.error > 0 && <span className="error">± {format(change.error)}</span>} {isChance && <span className="error">within chance</span>}
    </span>
  );
}
