/** The trace that the page shows. */

import { createContext, useContext } from "react";

import type { Info, TraceEntry } from "./forms";

export interface ShownTrace {
  readonly trace: TraceEntry;
  readonly traces: readonly TraceEntry[];
  readonly info: Info;
}

export const TraceContext = createContext<ShownTrace | null>(null);

export function useTrace(): ShownTrace {
  const shown = useContext(TraceContext);
  if (shown === null) {
    throw new Error("no trace is shown here");
  }
  return shown;
}
