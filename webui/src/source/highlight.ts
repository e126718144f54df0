/** Python source, cut into pieces of one colour. */

import { classHighlighter, highlightTree } from "@lezer/highlight";
import { parser } from "@lezer/python";

import { visibleCode } from "../lib/text";

export interface Piece {
  readonly text: string;
  /** Class of the style sheet; empty: plain text. */
  readonly kind: string;
}

/** Beyond this many characters a file is shown without colours. */
const LONGEST = 1_000_000;

/** One list of pieces a line. */
export function highlightPython(lines: readonly string[]): Piece[][] {
  const text = lines.join("\n");
  if (text.length > LONGEST) {
    return lines.map((line) => [{ text: visibleCode(line), kind: "" }]);
  }
  const result: Piece[][] = [[]];
  const add = (part: string, kind: string) => {
    part.split("\n").forEach((line, index) => {
      if (index > 0) {
        result.push([]);
      }
      if (line !== "") {
        result[result.length - 1]?.push({ text: visibleCode(line), kind });
      }
    });
  };
  let at = 0;
  highlightTree(parser.parse(text), classHighlighter, (from, to, kind) => {
    add(text.slice(at, from), "");
    add(text.slice(from, to), kind);
    at = to;
  });
  add(text.slice(at), "");
  return result;
}
