/** Tables that can be sorted, and hold more rows than are worth drawing at once. */

import { useState, type ReactNode } from "react";

import { useSetting } from "../selection/store";

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  readonly isNumber?: boolean;
  /** Takes what room is left. */
  readonly isWide?: boolean;
  /** Clicking the title sorts by this, the greatest first. */
  readonly sortBy?: (row: Row) => number | string;
  readonly help?: string;
  readonly cell: (row: Row, index: number) => ReactNode;
}

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
  setting?: string;
  isCurrent?: (row: Row) => boolean;
  /** What a click on a row does; the first cell is a button that does the same for the keyboard. */
  onChoose?: (row: Row) => void;
}) {
  const [sorting, setSorting] = useSorting(initial, setting);
  const [shown, setShown] = useState(FIRST_ROWS);
  const sortBy = columns.find(({ key }) => key === sorting?.key)?.sortBy;
  const sorted = sortBy === undefined ? rows : [...rows].sort((a, b) => compare(sortBy(a), sortBy(b)) * (sorting?.isAscending ? 1 : -1));
  const toggle = (key: string) => setSorting({ key, isAscending: sorting?.key === key ? !sorting.isAscending : false });
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="table">
        <caption className="visually-hidden">{label}</caption>
        <thead>
          <tr>
            {columns.map((column) => {
              const direction = sorting?.key === column.key ? (sorting.isAscending ? "ascending" : "descending") : undefined;
              return (
                <th key={column.key} className={classOf(column)} scope="col" title={column.help} aria-sort={direction}>
                  {column.sortBy === undefined ? (
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
          {sorted.slice(0, shown).map((row, index) => (
            <tr
              key={rowKey(row, index)}
              className={isCurrent?.(row) ? "is-current" : undefined}
              onClick={onChoose && ((event) => !(event.target as Element).closest("a, button") && onChoose(row))}
            >
              {columns.map((column) => (
                <td key={column.key} className={classOf(column)}>
                  {column.cell(row, index)}
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
function useSorting(initial: Sorting | undefined, setting: string | undefined): [Sorting | undefined, (next: Sorting) => void] {
  const [own, setOwn] = useState(initial);
  const [text, setText] = useSetting<string>(setting ?? "", "");
  if (setting === undefined) {
    return [own, setOwn];
  }
  const kept = text === "" ? initial : { key: text.replace(/^-/, ""), isAscending: text.startsWith("-") };
  return [kept, ({ key, isAscending }) => setText(`${isAscending ? "-" : ""}${key}`)];
}

function classOf<Row>(column: Column<Row>): string | undefined {
  return column.isNumber ? "number" : column.isWide ? "wide" : undefined;
}
