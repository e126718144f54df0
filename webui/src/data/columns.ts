/** Answers whose long columns come as they lie in memory: `memlyze/web/columns.py` says how. */

export const COLUMNS = "application/vnd.memlyze.columns";

interface Marker {
  readonly $column: "i4" | "f8";
  readonly at: number;
  readonly length: number;
}

function isMarker(value: unknown): value is Marker {
  return typeof value === "object" && value !== null && "$column" in value;
}

/** The answer, with views of `buffer` for its columns. */
export function parseColumns(buffer: ArrayBuffer): unknown {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const start = 8 + length;
  const text = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
  return JSON.parse(text, (_name, value: unknown) => {
    if (!isMarker(value)) {
      return value;
    }
    const at = start + value.at;
    return value.$column === "i4" ? new Int32Array(buffer, at, value.length) : new Float64Array(buffer, at, value.length);
  });
}
