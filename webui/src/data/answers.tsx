/** How components read: `useAnswer("hotspots", {...})`. The last answer stays until the next has come. */

import { keepPreviousData, QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { createContext, useContext, useEffect, type ReactNode } from "react";

import type { Routes } from "./forms";
import { asSourceError, type Answers, type DataSource, type Route, type SourceError, type Takes } from "./source";

const client = new QueryClient({
  defaultOptions: {
    queries: { staleTime: Infinity, gcTime: 120_000, retry: false, refetchOnWindowFocus: false, networkMode: "always" },
  },
});

const SourceContext = createContext<DataSource | null>(null);

export function useSource(): DataSource {
  const source = useContext(SourceContext);
  if (source === null) {
    throw new Error("no data source: wrap the page in a SourceProvider");
  }
  return source;
}

export interface Answer<T> {
  readonly data: T | undefined;
  readonly error: SourceError | null;
  /** Whether `data` is of an earlier question, and the answer to this one is on its way. */
  readonly isStale: boolean;
  readonly isLoading: boolean;
}

/** What the source answers; `takes` null: do not ask. */
export function useAnswer<R extends Route>(route: R, takes: Takes<R> | null): Answer<Answers<R>> {
  const source = useSource();
  const query = useQuery({
    queryKey: [route, takes],
    queryFn: ({ signal }) => source.read(route, takes as Takes<R>, signal),
    enabled: takes !== null,
    placeholderData: keepPreviousData,
  });
  return {
    data: query.data as Answers<R> | undefined,
    error: query.error === null ? null : asSourceError(query.error),
    isStale: query.isPlaceholderData,
    isLoading: query.isLoading,
  };
}

/** Ask once, outside of rendering. */
export function ask<R extends Route>(source: DataSource, route: R, takes: Takes<R>): Promise<Answers<R>> {
  return client.fetchQuery({
    queryKey: [route, takes],
    queryFn: ({ signal }) => source.read(route, takes, signal),
  });
}

/** Reads again what is shown of a trace whenever it has changed. */
function useLiveUpdates(source: DataSource): void {
  useEffect(() => {
    const revisions = new Map<string, number>();
    return source.watch((trace) => {
      const known = revisions.get(trace.id);
      revisions.set(trace.id, trace.revision);
      client.setQueryData<Routes["traces"]["answers"]>(["traces", {}], (list) => {
        if (list === undefined) {
          return list;
        }
        const isKnown = list.traces.some(({ id }) => id === trace.id);
        const traces = isKnown ? list.traces.map((entry) => (entry.id === trace.id ? trace : entry)) : [...list.traces, trace];
        return { ...list, traces };
      });
      if (known !== undefined && known !== trace.revision) {
        void client.invalidateQueries({ predicate: ({ queryKey }) => isAbout(queryKey, trace.id) }, { cancelRefetch: false });
      }
    });
  }, [source]);
}

function isAbout(queryKey: readonly unknown[], trace: string): boolean {
  const takes = queryKey[1] as { trace?: string; base?: string } | null | undefined;
  return queryKey[0] !== "traces" && (takes?.trace === trace || takes?.base === trace);
}

export function SourceProvider({ source, children }: { source: DataSource; children: ReactNode }) {
  useLiveUpdates(source);
  return (
    <QueryClientProvider client={client}>
      <SourceContext value={source}>{children}</SourceContext>
    </QueryClientProvider>
  );
}
