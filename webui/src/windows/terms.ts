/** What the figures of windows are, in the words of `memlyze windows`. */

import type { Sorting } from "../parts/Table";

export const TERMS = {
  windows: "How many there were",
  allocated: "What they allocated in all, whether it was freed or not",
  retained: "Of it, held when they were closed; much of it may be freed a moment later",
  live: "Of it, still held at the end of the recording",
  growth: "What each leaves behind for good, judged over the whole recording; red: it grows with every one",
  mean: "What each allocated on average",
  distribution: "What single ones allocated: the least, the quartiles, in 95 of 100 cases, and the greatest, by powers",
} as const;

/** What is still held when a window is closed is most often on its way out: a leak is what is there at the end. */
export const BY_WHAT_STAYS: Sorting = { key: "live", isAscending: false };
