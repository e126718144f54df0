/** Where the page's data come from. Behind this interface stands a server, or whatever else can answer. */

import type { Error as ErrorForm, Routes, SqlResult, TraceEntry } from "./forms";

export type Route = keyof Routes;
export type Takes<R extends Route> = Routes[R]["takes"];
export type Answers<R extends Route> = Routes[R]["answers"];

export interface SqlRequest {
  readonly queryId: string;
  readonly trace: string | null;
  readonly query: string;
}

/** Runs queries that the reader writes. */
export interface SqlRunner {
  run(request: SqlRequest, signal: AbortSignal): Promise<SqlResult>;
  /** Ends a query that runs, or forgets its result. */
  cancel(queryId: string): Promise<void>;
  /** Where all rows can be downloaded from. */
  downloadUrl(queryId: string, format: string): string;
}

export interface DataSource {
  /** What is asked of one route. Throws a `SourceError`. */
  read<R extends Route>(route: R, takes: Takes<R>, signal: AbortSignal): Promise<Answers<R>>;
  /** Calls `changed` whenever what is told of a trace has changed, until the returned function is called. */
  watch(changed: (trace: TraceEntry) => void): () => void;
  /** null: this source runs no queries. */
  readonly sql: SqlRunner | null;
}

export type ErrorKind = ErrorForm["kind"] | "unreachable";

/** An error whose message is for the person who looks at the page. */
export class SourceError extends Error {
  constructor(
    message: string,
    readonly kind: ErrorKind,
  ) {
    super(message);
  }
}

export function asSourceError(error: unknown): SourceError {
  return error instanceof SourceError ? error : new SourceError(String(error), "internal");
}
