/** Estimates and places, as every view shows them. */

import { createContext, useContext } from "react";

import type { Estimate, Place } from "../data/forms";
import { useTrace } from "../data/trace";
import { restsOnFew } from "../lib/estimates";
import { formatBytes, formatError } from "../lib/units";
import { groupName, isNoPython, NO_PYTHON_HELP, shortFunction, shortPath, shortPlace, visible } from "../lib/text";
import { linkTo } from "../selection/store";

/** A figure with its error, or the remark that there are too few samples to say. */
export function EstimateText({
  estimate,
  format = formatBytes,
}: {
  estimate: Estimate;
  format?: (value: number) => string;
}) {
  const { value } = estimate;
  const few = restsOnFew(estimate);
  const error = few ? "" : formatError(estimate);
  const title = few
    ? value === 0
      ? `Nothing of it was recorded; there may be up to ${format(estimate.error)}`
      : "Too few samples to be sure of more than the order of magnitude"
    : estimate.error > 0
      ? `95 % interval: ${format(Math.max(0, value - estimate.error))} to ${format(value + estimate.error)}`
      : undefined;
  return (
    <span className="estimate" title={title}>
      <span>{few ? `~${format(value)}` : format(value)}</span>
      <span className="error">{few && value !== 0 ? <>few<span className="samples"> samples</span></> : error}</span>
    </span>
  );
}

/** An estimate with a bar beneath it, as a share of `whole`. */
export function EstimateBar({ estimate, whole, kind }: { estimate: Estimate; whole: number; kind?: "alive" }) {
  const share = whole > 0 ? Math.min(1, Math.max(0, estimate.value / whole)) : 0;
  return (
    <>
      <EstimateText estimate={estimate} />
      <span className={`bar-cell ${kind ?? ""}`} aria-hidden="true">
        <span style={{ width: `${100 * share}%` }} />
      </span>
    </>
  );
}

/** The trace whose code the places below are in; null: the one that is shown. */
export const TraceOfPlaces = createContext<string | null>(null);

const OF_ANOTHER_TRACE = { range: null, zoom: null, atNs: null, processId: null, threadId: null, windowId: null };

/** Gives the link to a line in the Source view, with what is selected as long as that is of the same trace. */
export function useSourceLink(): (file: string, line: number | null) => string {
  const of = useContext(TraceOfPlaces);
  const { trace } = useTrace();
  const other = of === null || of === trace.id ? {} : { ...OF_ANOTHER_TRACE, trace: of };
  return (file, line) => linkTo({ view: "source", ...other, settings: { file, line: line ? String(line) : null } });
}

/** Whether a frame's file is a file at all. */
export function isFile(file: string | null): file is string {
  return file !== null && file !== "" && !file.startsWith("<");
}

/** `Session.login` and below it `service.py:54`, linked to the source. */
export function PlaceText({
  place,
  label,
  inner,
  isLinked = true,
}: {
  place: Place;
  label?: string;
  inner?: Place | null;
  isLinked?: boolean;
}) {
  const { file, line } = place;
  const sourceLink = useSourceLink();
  const isNothing = isNoPython(place.function) || isNoPython(file);
  const where = file === null || isNothing ? null : shortPlace(file, line);
  const hasOtherInner = inner && (inner.file !== file || inner.line !== line) && inner.function !== null;
  return (
    <span className="place" dir="ltr">
      <span className="function" title={isNothing ? NO_PYTHON_HELP : place.function === null ? undefined : visible(place.function)}>
        {visible(place.function === null ? groupName(label ?? place.module ?? place.file ?? "") : shortFunction(place.function))}
      </span>{" "}
      {where !== null && (place.function !== null || line !== null) && (
        <span className="where" title={visible(file ?? "")}>
          {isLinked && isFile(file) ? <a href={sourceLink(file, line)}>{where}</a> : where}
        </span>
      )}
      {hasOtherInner && (
        <span className="inner">
          mostly in {visible(shortFunction(inner.function ?? ""))} {shortPath(visible(inner.file ?? ""))}
          {inner.line ? `:${inner.line}` : ""}
        </span>
      )}
    </span>
  );
}
