/** Why two recordings may not be comparable; `memlyze diff` says the same. */

import { visible } from "../lib/text";
import type { DiffForm } from "./form";

function minor(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

export function unlikeTexts({ before, after }: Pick<DiffForm, "before" | "after">): string[] {
  const texts: string[] = [];
  if (before.program && after.program && before.program !== after.program) {
    texts.push(`These are recordings of different programs, ${visible(before.program)} and ${visible(after.program)}.`);
  }
  const [first, second] = [minor(before.python_version), minor(after.python_version)];
  if (first && second && first !== second) {
    texts.push(`They ran on Python ${visible(first)} and ${visible(second)}: the same objects differ in size.`);
  }
  return texts;
}
