/** Whose code a frame is, as a colour of the style sheet. */

import type { Frame } from "../data/forms";

export type OriginColour = "program" | "library" | "standard-library" | "runtime" | "native";

export const ORIGIN_LEGEND: readonly (readonly [OriginColour, string])[] = [
  ["program", "Program"],
  ["library", "Libraries"],
  ["standard-library", "Standard library"],
  ["runtime", "Runtime"],
  ["native", "Native code"],
];

export function originColour({ language, origin }: Pick<Frame, "language" | "origin">): OriginColour {
  if (language === "native") {
    return "native";
  }
  return origin === "program" || origin === "library" || origin === "runtime" ? origin : "standard-library";
}
