/** From the selection to what the routes take. */

import type { Selection } from "../selection/selection";

export interface SelectionParameters {
  trace?: string;
  from_ns?: number;
  to_ns?: number;
  process_id?: number;
  thread_id?: number;
  window_id?: number;
}

/** The trace, the brushed range, the process, the thread and the window. */
export function selectionParameters(selection: Selection, trace: string): SelectionParameters {
  return {
    trace,
    ...(selection.range && { from_ns: Math.round(selection.range.fromNs), to_ns: Math.round(selection.range.toNs) }),
    ...whose(selection),
  };
}

/** The process, the thread and the window. */
export function whose(selection: Selection): SelectionParameters {
  return {
    ...(selection.processId !== null && { process_id: selection.processId }),
    ...(selection.threadId !== null && { thread_id: selection.threadId }),
    ...(selection.windowId !== null && { window_id: selection.windowId }),
  };
}

/** Until when something must be alive to be called so: the cursor, if it is not before the range; else the end. */
export function aliveAt(selection: Selection): { at_ns?: number } {
  const { atNs, range } = selection;
  return atNs !== null && atNs >= (range?.toNs ?? 0) ? { at_ns: Math.round(atNs) } : {};
}
