/** The rows of a finished query, read in pages as they are needed. */

import { useCallback, useEffect, useRef, useState } from "react";

import { useSource } from "../data/answers";
import type { SqlPage, SqlResult } from "../data/forms";

const PAGE_ROWS = 1000;
const MOST_PAGES = 60;

export interface Rows {
  /** The value of a cell; undefined: not read yet. */
  cell(row: number, column: number): unknown;
  /** Says which rows are visible, so that they are read. */
  want(from: number, to: number): void;
}

export function useRows(result: SqlResult): Rows {
  const source = useSource();
  const pages = useRef(new Map<number, SqlPage>());
  const pending = useRef(new Set<number>());
  const [, setVersion] = useState(0);
  const shown = useRef(result);
  if (shown.current !== result) {
    shown.current = result;
    pages.current.clear();
    pending.current.clear();
  }

  useEffect(() => () => pending.current.clear(), []);

  const pageOf = (row: number): [SqlPage, number] | undefined => {
    const first = result.page;
    if (row >= first.offset && row < first.offset + first.row_count) {
      return [first, row - first.offset];
    }
    const page = pages.current.get(Math.floor(row / PAGE_ROWS));
    return page && [page, row - page.offset];
  };

  const want = useCallback(
    (from: number, to: number) => {
      for (let number = Math.floor(from / PAGE_ROWS); number * PAGE_ROWS < Math.min(to, result.row_count); number += 1) {
        const isInFirst = (number + 1) * PAGE_ROWS <= result.page.row_count || result.page.row_count >= result.row_count;
        if (isInFirst || pages.current.has(number) || pending.current.has(number)) {
          continue;
        }
        pending.current.add(number);
        source
          .read("sql/{query_id}", { query_id: result.query_id, offset: number * PAGE_ROWS, limit: PAGE_ROWS }, new AbortController().signal)
          .then((page) => {
            if (shown.current !== result) {
              return;
            }
            pages.current.set(number, page);
            if (pages.current.size > MOST_PAGES) {
              const oldest = pages.current.keys().next().value;
              pages.current.delete(oldest ?? number);
            }
            setVersion((version) => version + 1);
          })
          .catch(() => undefined)
          .finally(() => pending.current.delete(number));
      }
    },
    [result, source],
  );

  return {
    cell: (row, column) => {
      const found = pageOf(row);
      return found === undefined ? undefined : found[0].columns[column]?.[found[1]];
    },
    want,
  };
}
