/** The answer of the route `leaks`, as `memlyze leaks --json` prints it. */

import type { Estimate, Leaks } from "../data/forms";

/** Under which heading a line stands: its verdict, or that it grew until it was freed, whose verdict is that it was freed in one go. */
export const HEADINGS = [
  "growing", "grew_until_freed", "warming_up", "too_few_samples", "freed_late", "sawtooth", "bounded", "one_time",
] as const;
export type Heading = (typeof HEADINGS)[number];
export type Verdict = Exclude<Heading, "grew_until_freed">;

export const HEADING_TEXTS: Record<Heading, string> = {
  growing: "Growing without bound",
  grew_until_freed: "Grew until it was freed",
  warming_up: "Still warming up",
  too_few_samples: "Too few samples",
  freed_late: "Freed in one go",
  sawtooth: "Rises and falls",
  bounded: "Bounded",
  one_time: "Built once, and stays",
};

/** What each means for the reader. */
export const HEADING_MEANINGS: Record<Heading, string> = {
  growing: "What is allocated here stays, and more comes at a steady rate.",
  grew_until_freed: "It grew at a steady rate until the program let go of it: a leak, if the program is meant to run on.",
  warming_up: "It grows, but slower and slower: it may come to rest.",
  too_few_samples: "It was sampled too rarely to tell. Record with a smaller --sample-interval.",
  freed_late: "It grew, and was freed all at once.",
  sawtooth: "It grows until the collector or the program frees it.",
  bounded: "It grew up to a bound, and stays there.",
  one_time: "It was built early, and stays as it is.",
};

export interface LeakFrame {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly origin: string;
}

export interface LeakSite extends LeakFrame {
  readonly process_id: number;
  /** In which something of it stays; several where they are judged as one. */
  readonly process_ids: readonly number[];
  /** How many of them ran at one time, at most. */
  readonly processes_at_once: number;
  readonly verdict: Verdict;
  readonly grew_until_freed: boolean;
  readonly confidence: number;
  readonly p_value: number;
  readonly live_bytes: Estimate;
  readonly peak_bytes: Estimate;
  readonly growth_bytes_per_second: Estimate;
  readonly growing_since_ns: number;
  readonly judged_until_ns: number;
  readonly last_growth_ns: number;
  readonly growth_bytes_per_window: Estimate | null;
  readonly window_name: string | null;
  readonly first_ns: number;
  readonly survival: number;
  readonly cohorts: readonly { readonly start_ns: number; readonly allocated: number; readonly surviving: number }[];
  readonly curve: readonly number[];
  readonly collected_share: number;
  readonly samples: number;
  readonly live_samples: number;
  readonly stack: readonly LeakFrame[];
  readonly holders: unknown;
  readonly checkpoint_ns: number | null;
  readonly is_checkpoint_damaged: boolean;
  /** Sites of one leak have the same number: one object holds what they left behind. Null: no suspect. */
  readonly leak: number | null;
}

export interface LeaksForm {
  readonly site_kind: string;
  readonly is_exact: boolean;
  readonly judged: Readonly<Record<string, number>>;
  /** How many leaks the growing lines are: what one object holds is one. Null: not known. */
  readonly growing_leaks: number | null;
  readonly growth_bytes_per_second: Estimate;
  readonly grew_until_freed: {
    readonly sites: number;
    readonly peak_bytes: Estimate;
    readonly growth_bytes_per_second: Estimate;
    readonly first_freed_ns: number | null;
    readonly last_freed_ns: number | null;
  };
  readonly grew_until_stopped: {
    readonly sites: number;
    readonly live_bytes: Estimate;
    /** Null: it grew for most of the recording. */
    readonly began_ns: number | null;
    readonly stopped_ns: number | null;
    readonly function: string | null;
    readonly file: string | null;
    readonly line: number | null;
  };
  readonly unseen: { readonly allocators: readonly string[]; readonly resident_bytes: number; readonly unexplained_bytes: number; readonly time_ns: number; readonly grown_bytes: number; readonly grown_since_ns: number } | null;
  readonly sites: readonly LeakSite[];
}

export function headingOf({ verdict, grew_until_freed }: Pick<LeakSite, "verdict" | "grew_until_freed">): Heading {
  return grew_until_freed ? "grew_until_freed" : verdict;
}

/** Which process it is in, or in how many. */
export function processesText(site: Processes): string {
  const { process_ids: ids, processes_at_once: atOnce } = site;
  if (ids.length === 1) {
    return `PID ${ids[0]}`;
  }
  return `in ${ids.length} processes${isOfSuccessors(site) ? `, ${atOnce} at once` : ""}`;
}

type Processes = Pick<LeakSite, "process_ids" | "processes_at_once">;

/** Whether it is in processes that did not all run at one time, as workers do that are replaced. */
export function isOfSuccessors({ process_ids: ids, processes_at_once: atOnce }: Processes): boolean {
  return atOnce < ids.length;
}

/** Whether a line is held with the one above it: parts of one leak. */
export function isPart(site: LeakSite, above: LeakSite | undefined): boolean {
  return site.leak !== null && site.leak === above?.leak;
}

/** How many lines stand under a heading. */
export function countUnder(heading: Heading, { judged, grew_until_freed: freed }: Pick<LeaksForm, "judged" | "grew_until_freed">): number {
  if (heading === "grew_until_freed") {
    return freed.sites;
  }
  return (judged[heading] ?? 0) - (heading === "freed_late" ? freed.sites : 0);
}

/** What is to be looked at before the others, in this order. */
const ATTENTION: readonly Heading[] = ["growing", "grew_until_freed", "warming_up"];

export function asksAttention(heading: Heading): boolean {
  return ATTENTION.includes(heading);
}

/** The line to be shown first: one that grows or grew, or else that with most live at the end, or at its peak. */
export function foremost(sites: readonly LeakSite[]): LeakSite | undefined {
  const suspect = ATTENTION.map((heading) => sites.find((site) => headingOf(site) === heading)).find((site) => site !== undefined);
  const [first, ...others] = sites;
  if (suspect !== undefined || first === undefined) {
    return suspect;
  }
  const size = ({ live_bytes, peak_bytes }: LeakSite) => [live_bytes.value, peak_bytes.value] as const;
  return others.reduce((greatest, site) => {
    const [[live, peak], [mostLive, mostPeak]] = [size(site), size(greatest)];
    return live > mostLive || (live === mostLive && peak > mostPeak) ? site : greatest;
  }, first);
}

export function leaksForm(answer: Leaks): LeaksForm {
  return answer as unknown as LeaksForm;
}
