/** Tables that can be sorted, and hold more rows than are worth drawing at once. */

import { useState, type ReactNode } from "react";

import type { Estimate } from "../data/forms";
import type { SettingName } from "../selection/settings";
import { useSetting } from "../selection/store";
import { EstimateText } from "./Figures";

interface OfAnyKind<Row> {
  readonly key: string;
  readonly title: string;
  /** Clicking the title sorts by this, the greatest first. */
  readonly sortBy?: (row: Row) => number | string;
  readonly help?: string;
}

interface OfCells<Row> extends OfAnyKind<Row> {
  readonly isNumber?: boolean;
  /** Takes what room is left. */
  readonly isWide?: boolean;
  readonly cell: (row: Row, index: number) => ReactNode;
}

interface OfEstimates<Row> extends OfAnyKind<Row> {
  readonly estimate: (row: Row) => Estimate;
  /** Absent: the estimate as a text. */
  readonly cell?: (row: Row, index: number) => ReactNode;
}

/** Numbers stand at the right; those of estimates are sorted by, too. */
export type Column<Row> = OfCells<Row> | OfEstimates<Row>;

/** More than a screen of them: each row takes time to draw, which a brush that changes all of them waits for. */
const FIRST_ROWS = 60;
const MORE_ROWS = 200;

export interface Sorting {
  readonly key: string;
  readonly isAscending: boolean;
}

function compare(a: number | string, b: number | string): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

export function Table<Row>({
  label,
  columns,
  rows,
  rowKey,
  initial,
  setting,
  isCurrent,
  onChoose,
}: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row, index: number) => string | number;
  initial?: Sorting;
  /** Name under which the URL keeps the sorting; absent: it is forgotten. */
  setting?: SettingName;
  isCurrent?: (row: Row) => boolean;
  /** What a click on a row does; the first cell is a button that does the same for the keyboard. */
  onChoose?: (row: Row) => void;
}) {
  const [sorting, setSorting] = useSorting(initial, setting);
  const [shown, setShown] = useState(FIRST_ROWS);
  const chosen = columns.find(({ key }) => key === sorting?.key);
  const sortBy = chosen && sortingOf(chosen);
  const sorted = sortBy === undefined ? rows : [...rows].sort((a, b) => compare(sortBy(a), sortBy(b)) * (sorting?.isAscending ? 1 : -1));
  const toggle = (key: string) => setSorting({ key, isAscending: sorting?.key === key ? !sorting.isAscending : false });
  const visibleRows = sorted.slice(0, shown);
  const classes = columns.map((column) => classOf(column, visibleRows));
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="table">
        <caption className="visually-hidden">{label}</caption>
        <thead>
          <tr>
            {columns.map((column, place) => {
              const direction = sorting?.key === column.key ? (sorting.isAscending ? "ascending" : "descending") : undefined;
              return (
                <th key={column.key} className={classes[place]} scope="col" title={column.help} aria-sort={direction}>
                  {sortingOf(column) === undefined ? (
                    column.title
                  ) : (
                    <button type="button" onClick={() => toggle(column.key)}>
                      {column.title}
                      <span aria-hidden="true">{direction === undefined ? "" : direction === "ascending" ? "↑" : "↓"}</span>
                    </button>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {visibleRows.map((row, index) => (
            <tr
              key={rowKey(row, index)}
              className={isCurrent?.(row) ? "is-current" : undefined}
              onClick={onChoose && ((event) => !(event.target as Element).closest("a, button") && onChoose(row))}
            >
              {columns.map((column, place) => (
                <td key={column.key} className={classes[place]}>
                  {contentOf(column, row, index)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > shown && (
        <button type="button" className="button is-quiet" onClick={() => setShown(shown + MORE_ROWS)}>
          Show {Math.min(MORE_ROWS, sorted.length - shown)} more of {sorted.length - shown}
        </button>
      )}
    </div>
  );
}

/** In the URL, `allocated` is from the greatest down and `-allocated` from the least up. */
function useSorting(initial: Sorting | undefined, setting: SettingName | undefined): [Sorting | undefined, (next: Sorting) => void] {
  const [own, setOwn] = useState(initial);
  const [text, setText] = useSetting<string>(setting ?? "sort", "");
  if (setting === undefined) {
    return [own, setOwn];
  }
  const kept = text === "" ? initial : { key: text.replace(/^-/, ""), isAscending: text.startsWith("-") };
  return [kept, ({ key, isAscending }) => setText(`${isAscending ? "-" : ""}${key}`)];
}

function contentOf<Row>(column: Column<Row>, row: Row, index: number): ReactNode {
  return "estimate" in column && column.cell === undefined ? <EstimateText estimate={column.estimate(row)} /> : column.cell?.(row, index);
}

function sortingOf<Row>(column: Column<Row>): ((row: Row) => number | string) | undefined {
  return column.sortBy ?? ("estimate" in column ? (row) => column.estimate(row).value : undefined);
}

/** Beside figures that are exact no room is kept for errors. */
function classOf<Row>(column: Column<Row>, rows: readonly Row[]): string | undefined {
  if ("estimate" in column) {
    return rows.some((row) => column.estimate(row).error > 0) ? "number" : "number is-exact";
  }
  return column.isNumber ? "number" : column.isWide ? "wide" : undefined;
}
