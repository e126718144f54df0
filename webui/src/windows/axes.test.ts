import { describe, expect, test } from "vitest";

import type { Palette } from "../lib/theme";
import { axesOf, drawAxes, HEIGHT } from "./axes";

interface Label {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

const LETTER_PX = 6;
const LINE_PX = 12;
const KIB = 1024;

/** What is written on the picture, and where. */
function labelsOf(allocated: readonly number[], retained: readonly number[], width: number): Label[] {
  const labels: Label[] = [];
  const context = {
    textAlign: "left",
    fillRect: () => undefined,
    fillText(text: string, x: number, y: number) {
      const size = text.length * LETTER_PX;
      const left = { left: x, center: x - size / 2, right: x - size }[this.textAlign] ?? NaN;
      labels.push({ text, left, right: left + size, y });
    },
  };
  drawAxes(context as unknown as CanvasRenderingContext2D, axesOf(allocated, retained, width), width, {} as Palette);
  return labels;
}

function areOnEachOther(one: Label, other: Label): boolean {
  return one.left < other.right && other.left < one.right && Math.abs(one.y - other.y) < LINE_PX;
}

describe("axes", () => {
  test.each([340, 1000])("no label lies on another, nor beyond the picture, at a width of %i", (width) => {
    for (let greatest = 16; greatest < 2 ** 40; greatest *= 1.37) {
      const labels = labelsOf([greatest, 64 * KIB], [0, greatest / 3, 40 * KIB], width);
      expect(labels.map(({ text }) => text)).toEqual(expect.arrayContaining(["nothing", "allocated", "↑ retained"]));
      const pairs = labels.flatMap((one, index) => labels.slice(index + 1).map((other) => [one, other] as const));
      expect(pairs.filter(([one, other]) => areOnEachOther(one, other))).toEqual([]);
      expect(labels.filter(({ y }) => y < LINE_PX / 2 || y > HEIGHT - LINE_PX / 2)).toEqual([]);
    }
  });
});
