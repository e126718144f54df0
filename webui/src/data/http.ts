/** The data source behind `memlyze serve`. */

import { COLUMNS, parseColumns } from "./columns";
import type { Error as ErrorForm, SqlResult, TraceEntry } from "./forms";
import { SourceError, type Answers, type DataSource, type ErrorKind, type Route, type Takes } from "./source";

export const UNREACHABLE = "The server does not answer. Has `memlyze serve` been stopped? Start it again, and open the URL that it prints.";

/** Routes whose answers may be long: their columns come as buffers, which need no parsing. */
const IN_COLUMNS: ReadonlySet<Route> = new Set<Route>(["flamegraph"]);

/** The address of a route, with its parameters in the path and in the query. */
export function addressOf(route: string, takes: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  let path = route;
  for (const [name, value] of Object.entries(takes)) {
    if (path.includes(`{${name}}`)) {
      path = path.replace(`{${name}}`, encodeURIComponent(String(value)));
    } else if (value !== undefined && value !== null) {
      query.set(name, String(typeof value === "number" ? Math.round(value) : value));
    }
  }
  const text = query.toString();
  return `api/${path}${text ? `?${text}` : ""}`;
}

async function refusal(response: Response): Promise<SourceError> {
  let message = `The server answered ${response.status} ${response.statusText}.`;
  let kind: ErrorKind = "internal";
  try {
    const told = (await response.json()) as ErrorForm;
    message = told.error;
    kind = told.kind;
  } catch {
    // Not of our server's making: the status has to do.
  }
  return new SourceError(message, kind);
}

async function request(address: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (error) {
    if (init.signal?.aborted) {
      throw error;
    }
    throw new SourceError(UNREACHABLE, "unreachable");
  }
  if (!response.ok) {
    throw await refusal(response);
  }
  return response;
}

export function httpSource(): DataSource {
  return {
    async read<R extends Route>(route: R, takes: Takes<R>, signal: AbortSignal): Promise<Answers<R>> {
      const accept = IN_COLUMNS.has(route) ? `${COLUMNS}, application/json` : "application/json";
      const response = await request(addressOf(route, takes), { signal, headers: { accept } });
      if (response.headers.get("content-type") === COLUMNS) {
        return parseColumns(await response.arrayBuffer()) as Answers<R>;
      }
      return (await response.json()) as Answers<R>;
    },
    watch(changed) {
      const events = new EventSource("api/events");
      events.addEventListener("trace", (event) => changed(JSON.parse((event as MessageEvent<string>).data) as TraceEntry));
      return () => events.close();
    },
    sql: {
      async run({ queryId, trace, query }, signal) {
        const response = await request("api/sql", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ query_id: queryId, query, ...(trace === null ? {} : { trace }) }),
          signal,
        });
        return (await response.json()) as SqlResult;
      },
      async cancel(queryId) {
        await request(addressOf("sql/{query_id}", { query_id: queryId }), { method: "DELETE" });
      },
      downloadUrl: (queryId, format) => addressOf("sql/{query_id}/download", { query_id: queryId, format }),
    },
  };
}
