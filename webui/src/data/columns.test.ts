import { expect, test } from "vitest";

import { parseColumns } from "./columns";

function framed(json: string, columns: ArrayBuffer[]): ArrayBuffer {
  const head = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const whole = new Uint8Array(8 + head.length + columns.reduce((sum, column) => sum + column.byteLength, 0));
  new DataView(whole.buffer).setBigUint64(0, BigInt(head.length), true);
  whole.set(head, 8);
  let at = 8 + head.length;
  for (const column of columns) {
    whole.set(new Uint8Array(column), at);
    at += column.byteLength;
  }
  return whole.buffer;
}

test("columns come to where they stood, whatever stands around them", () => {
  const json = '{"mode":"live","nodes":{"parent":{"$column":"i4","at":0,"length":3},"bytes":{"$column":"f8","at":16,"length":2},"few":[1,2]}}';
  const buffer = framed(json, [Int32Array.of(-1, 0, 0, 0).buffer, Float64Array.of(0.5, 2 ** 60).buffer]);
  expect(parseColumns(buffer)).toEqual({
    mode: "live",
    nodes: { parent: Int32Array.of(-1, 0, 0), bytes: Float64Array.of(0.5, 2 ** 60), few: [1, 2] },
  });
});
