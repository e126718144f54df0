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
      className={!is_beyond_chance || change.value === 0 ? "quiet" : change.value > 0 ? "is-more" : "is-less"}
      title={isChance ? "It may be chance" : undefined}
    >
      {formatChange(change.value, format)}
      {change.error > 0 ? ` ± ${format(change.error)}` : ""}
      {isChance ? ", within chance" : ""}
    </span>
  );
}
