import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import { beginDrawing, CANVAS_FONT, fitText, useFrame, useSize } from "../lib/canvas";
import { visible } from "../lib/text";
import { usePalette } from "../lib/theme";
import { Tooltip } from "../parts/Tooltip";
import { heatColour } from "./colours";

export interface HeatGrid {
  readonly rows: readonly string[];
  readonly columns: number;
  /** Row-major. */
  readonly values: readonly number[];
  /** What to write above some of the columns; the position is a share of the width. */
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

export interface Cell {
  readonly row: number;
  readonly column: number;
}

const AXIS_PX = 24;
const CHARACTER_PX = 6.2;

/** A grid of coloured cells on canvas. The pointer and the arrow keys go from cell to cell. */
export function HeatCanvas({
  label,
  grid,
  rowHeight,
  labelWidth,
  describe,
  onChoose,
}: {
  label: string;
  grid: HeatGrid;
  rowHeight: number;
  labelWidth: number;
  describe: (cell: Cell) => { readonly text: string; readonly content: ReactNode };
  onChoose?: (cell: Cell) => void;
}) {
  const palette = usePalette();
  const container = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(container);
  const [cell, setCell] = useState<Cell | null>(null);
  const [pointer, setPointer] = useState<{ x: number; y: number } | null>(null);
  const height = grid.rows.length * rowHeight + AXIS_PX;
  const left = width < 600 ? Math.min(labelWidth, 110) : labelWidth;
  const cellWidth = (width - left - 12) / grid.columns;
  const isDark = isDarkColour(palette.page);

  const requestDraw = useFrame(() => {
    const context = canvas.current && beginDrawing(canvas.current, { width, height });
    if (!context) {
      return;
    }
    const greatest = Math.max(0, ...grid.values);
    context.font = `11.5px ${CANVAS_FONT}`;
    context.textBaseline = "middle";
    grid.rows.forEach((name, row) => {
      const top = AXIS_PX + row * rowHeight;
      context.fillStyle = palette["text-2"];
      context.textAlign = "right";
      context.fillText(fitText(context, visible(name), left - 14, CHARACTER_PX), left - 8, top + rowHeight / 2);
      context.fillStyle = palette.sunken;
      context.fillRect(left, top, cellWidth * grid.columns, rowHeight - 1);
      for (let column = 0; column < grid.columns; column += 1) {
        const colour = heatColour(grid.values[row * grid.columns + column] ?? 0, greatest, isDark);
        if (colour !== null) {
          context.fillStyle = colour;
          const x = left + column * cellWidth;
          context.fillRect(x, top, Math.max(1, cellWidth - (cellWidth > 5 ? 1 : 0)), rowHeight - 1);
        }
      }
    });
    context.fillStyle = palette["text-3"];
    context.font = `11px ${CANVAS_FONT}`;
    let freeFrom = left;
    for (const { at, text } of grid.ticks) {
      const x = left + at * cellWidth * grid.columns;
      const half = context.measureText(text).width / 2;
      const start = Math.min(Math.max(left, x - half), width - 2 * half);
      if (start >= freeFrom) {
        context.textAlign = "left";
        context.fillText(text, start, AXIS_PX / 2);
        freeFrom = start + 2 * half + 8;
      }
    }
    if (cell !== null) {
      context.strokeStyle = palette.text;
      context.lineWidth = 1.5;
      context.strokeRect(left + cell.column * cellWidth - 0.5, AXIS_PX + cell.row * rowHeight - 0.5, Math.max(3, cellWidth), rowHeight);
    }
  });
  useEffect(requestDraw);

  const cellAt = (clientX: number, clientY: number): Cell | null => {
    const box = container.current?.getBoundingClientRect();
    if (box === undefined) {
      return null;
    }
    const column = Math.floor((clientX - box.left - left) / cellWidth);
    const row = Math.floor((clientY - box.top - AXIS_PX) / rowHeight);
    return column >= 0 && column < grid.columns && row >= 0 && row < grid.rows.length ? { row, column } : null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { row, column } = cell ?? { row: 0, column: 0 };
    const step = Math.max(1, Math.round(grid.columns / 60));
    const moves: Record<string, Cell> = {
      ArrowLeft: { row, column: Math.max(0, column - step) },
      ArrowRight: { row, column: Math.min(grid.columns - 1, column + step) },
      ArrowUp: { row: Math.max(0, row - 1), column },
      ArrowDown: { row: Math.min(grid.rows.length - 1, row + 1), column },
    };
    const next = moves[event.key];
    if (next !== undefined) {
      event.preventDefault();
      setPointer(null);
      setCell(next);
    } else if (event.key === "Enter" && cell !== null) {
      onChoose?.(cell);
    }
  };
  const shown = cell === null ? null : describe(cell);
  return (
    <div
      ref={container}
      className="heat-canvas"
      style={{ height, cursor: onChoose ? "pointer" : "default" }}
      tabIndex={0}
      role="application"
      aria-roledescription="heat map"
      aria-label={`${label}. Arrow keys go from cell to cell.`}
      onKeyDown={onKeyDown}
      onPointerMove={(event) => {
        setCell(cellAt(event.clientX, event.clientY));
        setPointer({ x: event.clientX, y: event.clientY });
      }}
      onPointerLeave={() => {
        setCell(null);
        setPointer(null);
      }}
      onClick={(event) => {
        const clicked = cellAt(event.clientX, event.clientY);
        if (clicked !== null) {
          onChoose?.(clicked);
        }
      }}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <span className="visually-hidden" role="status">
        {pointer === null ? shown?.text : ""}
      </span>
      {shown !== null && (
        <Tooltip {...(pointer ?? positionOf(container.current, cell, left, cellWidth, rowHeight))}>{shown.content}</Tooltip>
      )}
    </div>
  );
}

function positionOf(element: HTMLElement | null, cell: Cell | null, left: number, cellWidth: number, rowHeight: number) {
  const box = element?.getBoundingClientRect();
  return { x: (box?.left ?? 0) + left + (cell?.column ?? 0) * cellWidth, y: (box?.top ?? 0) + AXIS_PX + ((cell?.row ?? 0) + 1) * rowHeight };
}

/** Whether a colour of the palette, `rgb(…)`, is dark. */
export function isDarkColour(colour: string): boolean {
  return (colour.match(/[\d.]+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) < 384;
}
