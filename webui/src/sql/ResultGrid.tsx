import { useEffect, useMemo, useRef, useState } from "react";

import type { SqlResult } from "../data/forms";
import { useSize } from "../lib/canvas";
import { visible } from "../lib/text";
import { cellText, isNumeric } from "./cells";
import { useRows } from "./rows";

const ROW_PX = 25;
/** Browsers do not lay out elements higher than some ten million pixels: beyond, the scroll bar moves in shares. */
const MOST_PX = 6_000_000;
const CHARACTER_PX = 7.3;
const MOST_COLUMN_PX = 480;

/** The rows of a result, as many as there are: only those that are visible are in the page. */
export function ResultGrid({ result, hasUnits }: { result: SqlResult; hasUnits: boolean }) {
  const scroller = useRef<HTMLDivElement>(null);
  const { height } = useSize(scroller);
  const [top, setTop] = useState(0);
  const rows = useRows(result);
  const widths = useMemo(() => columnWidths(result, hasUnits), [result, hasUnits]);
  const wholePx = result.row_count * ROW_PX;
  const scrollPx = Math.min(wholePx, MOST_PX);
  const visibleRows = Math.ceil(height / ROW_PX) + 1;
  // Position in rows, as a fraction: exact where the scroll bar is, in shares where it cannot be.
  const position = wholePx <= MOST_PX ? top / ROW_PX : (top / Math.max(1, scrollPx - height)) * Math.max(0, result.row_count - visibleRows + 2);
  const first = Math.max(0, Math.floor(position));
  const last = Math.min(result.row_count, first + visibleRows);

  useEffect(() => {
    rows.want(first, last);
  }, [rows, first, last]);
  useEffect(() => {
    scroller.current?.scrollTo(0, 0);
  }, [result]);

  const template = widths.map((width) => `${width}px`).join(" ");
  return (
    <div
      ref={scroller}
      className="grid"
      tabIndex={0}
      role="table"
      aria-label="Result"
      aria-rowcount={result.row_count + 1}
      aria-colcount={result.columns.length}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div className="grid-row grid-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
        {result.columns.map((column, index) => (
          <span key={index} role="columnheader" className={isNumeric(column) ? "number" : undefined} title={column.type}>
            {visible(column.name)}
          </span>
        ))}
      </div>
      <div className="grid-body" role="rowgroup" style={{ height: scrollPx, width: widths.reduce((sum, width) => sum + width, 0) }}>
        <div style={{ translate: `0 ${wholePx <= MOST_PX ? first * ROW_PX : top}px` }} role="presentation">
          {Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset).map((row) => (
            <div key={row} className="grid-row" role="row" aria-rowindex={row + 2} style={{ gridTemplateColumns: template }}>
              {result.columns.map((column, index) => {
                const value = rows.cell(row, index);
                return (
                  <span
                    key={index}
                    role="cell"
                    className={`${isNumeric(column) ? "number" : ""} ${value === null ? "quiet" : ""}`}
                    title={value === null || value === undefined ? undefined : String(value)}
                  >
                    {value === undefined ? "…" : cellText(column, value, hasUnits)}
                  </span>
                );
              })}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function columnWidths({ columns, page }: SqlResult, hasUnits: boolean): number[] {
  return columns.map((column, index) => {
    const longest = (page.columns[index] ?? []).slice(0, 200).reduce<number>((most, value) => Math.max(most, cellText(column, value, hasUnits).length), column.name.length);
    return Math.min(MOST_COLUMN_PX, Math.max(64, Math.round(longest * CHARACTER_PX) + 22));
  });
}
