/** How values of a result are shown. */

import type { SqlResult } from "../data/forms";
import { visible } from "../lib/text";
import { formatBytes, formatDuration } from "../lib/units";

const NUMBER_TYPES = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|REAL|DECIMAL.*)$/i;
const BYTES = /(^|_)(bytes|size|rss|heap_live|reserved|bytes_error)$|_bytes(_|$)/;
const TIMES = /_ns$/;

export type Column = SqlResult["columns"][number];

export function isNumeric({ type }: Column): boolean {
  return NUMBER_TYPES.test(type);
}

/** The value as text; in units where the column's name says what it is. */
export function cellText(column: Column, value: unknown, hasUnits: boolean): string {
  if (value === null) {
    return "NULL";
  }
  if (typeof value === "number") {
    if (hasUnits && BYTES.test(column.name)) {
      return formatBytes(value);
    }
    if (hasUnits && TIMES.test(column.name)) {
      return formatDuration(value);
    }
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  }
  return visible(typeof value === "string" ? value : JSON.stringify(value));
}
