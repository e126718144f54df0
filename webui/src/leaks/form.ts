/** The answer of the route `leaks`, as `memlyze leaks --json` prints it. */

import type { Estimate, Leaks } from "../data/forms";

export const VERDICTS = ["growing", "warming_up", "too_few_samples", "freed_late", "sawtooth", "bounded", "one_time"] as const;
export type Verdict = (typeof VERDICTS)[number];

export const VERDICT_TEXTS: Record<Verdict, string> = {
  growing: "Growing without bound",
  warming_up: "Still warming up",
  too_few_samples: "Too few samples",
  freed_late: "Freed in one go",
  sawtooth: "Rises and falls",
  bounded: "Bounded",
  one_time: "Built once, and stays",
};

/** What each verdict means for the reader. */
export const VERDICT_MEANINGS: Record<Verdict, string> = {
  growing: "What is allocated here stays, and more comes at a steady rate.",
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
  readonly verdict: Verdict;
  readonly confidence: number;
  readonly p_value: number;
  readonly live_bytes: Estimate;
  readonly peak_bytes: Estimate;
  readonly growth_bytes_per_second: Estimate;
  readonly growing_since_ns: number;
  readonly judged_until_ns: number;
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
}

export interface LeaksForm {
  readonly site_kind: string;
  readonly is_exact: boolean;
  readonly judged: Readonly<Record<string, number>>;
  readonly growth_bytes_per_second: Estimate;
  readonly sites: readonly LeakSite[];
}

const ATTENTION: readonly Verdict[] = ["growing", "warming_up"];

/** Whether it is to be looked at before the others. */
export function asksAttention({ verdict }: Pick<LeakSite, "verdict">): boolean {
  return ATTENTION.includes(verdict);
}

/** The line to be shown first: one that grows, or else that with most live at the end, or at its peak. */
export function foremost(sites: readonly LeakSite[]): LeakSite | undefined {
  const [first, ...others] = sites;
  if (first === undefined || asksAttention(first)) {
    return first;
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
