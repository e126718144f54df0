import type { ReactNode } from "react";

import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { usePalette } from "../lib/theme";
import { formatBytes, formatCount, formatMoment, formatShare } from "../lib/units";
import { CodeExcerpt } from "../parts/CodeExcerpt";
import { EstimateText, isFile, PlaceText } from "../parts/Figures";
import { LineChart, type ChartLine } from "../parts/LineChart";
import { Stack } from "../parts/Stack";
import { Table } from "../parts/Table";
import { linkTo } from "../selection/store";
import { evidence } from "./evidence";
import { asksAttention, HEADING_MEANINGS, HEADING_TEXTS, headingOf, isOfSuccessors, processesText, type LeakSite } from "./form";
import { Holders } from "./Holders";

/** Above this share, rounded figures would claim certainty. */
const NEARLY_SURE = 0.995;
/** Processes whose ids are listed. */
const MOST_IDS = 12;

function confidenceText({ verdict, confidence }: LeakSite): string {
  if (verdict === "too_few_samples") {
    return "";
  }
  return `Confidence ${confidence > NEARLY_SURE ? "over 99 %" : formatShare(confidence)}.`;
}

/** The first of them, where they are many. */
function idsText(site: LeakSite): string {
  const ids = site.process_ids.slice(0, MOST_IDS).join(", ");
  return site.process_ids.length > MOST_IDS ? `${processesText(site)}: ${ids}, …` : ids;
}

/** One line of the program: what is thought of it, and why. */
export function Suspect({ site }: { site: LeakSite }) {
  const { info } = useTrace();
  const resolution = info.duration_ns / 1000;
  const heading = headingOf(site);
  return (
    <article className="suspect" aria-label={`${visible(site.function)}, ${HEADING_TEXTS[heading]}`}>
      <header>
        <span className={`badge verdict is-${heading}`}>{HEADING_TEXTS[heading]}</span>
        <h2>
          <PlaceText place={{ ...site, module: null, origin: null }} />
        </h2>
        <p className="quiet">
          {HEADING_MEANINGS[heading]} {confidenceText(site)}
        </p>
      </header>
      <dl className="suspect-facts">
        {site.grew_until_freed && <Fact name="At its peak"><EstimateText estimate={site.peak_bytes} /></Fact>}
        {site.grew_until_freed && (
          <Fact name="Freed at">
            <a href={linkTo({ view: "timeline", atNs: site.judged_until_ns })}>{formatMoment(site.judged_until_ns, resolution)}</a>
          </Fact>
        )}
        <Fact name={isOfSuccessors(site) ? "Not freed, in all" : "Not freed"}><EstimateText estimate={site.live_bytes} /></Fact>
        {asksAttention(heading) && (
          <Fact name="Growth"><EstimateText estimate={site.growth_bytes_per_second} format={(value) => `${formatBytes(value)}/s`} /></Fact>
        )}
        <Fact name="Of what is allocated, stays">{formatShare(site.survival)}</Fact>
        <Fact name="First seen">
          <a href={linkTo({ view: "timeline", atNs: site.first_ns })}>{formatMoment(site.first_ns, resolution)}</a>
        </Fact>
        {site.growth_bytes_per_window !== null && (
          <Fact name={`Of it, left behind by each ${visible(site.window_name ?? "window")}`}><EstimateText estimate={site.growth_bytes_per_window} /></Fact>
        )}
        {info.processes.length > 1 && <Fact name={site.process_ids.length === 1 ? "Process" : "Processes"}>{idsText(site)}</Fact>}
        <Fact name="Samples">{formatCount(site.samples)}</Fact>
      </dl>
      <Holders site={site} />
      <Evidence site={site} />
      <div className="suspect-columns">
        <div>
          {isFile(site.file) && site.line > 0 && <CodeExcerpt file={site.file} line={site.line} />}
          <Births site={site} resolution={resolution} />
        </div>
        <section>
          <h3>Most of it comes this way, innermost first</h3>
          <Stack frames={site.stack.map((frame) => ({ ...frame, module: null, language: "python" as const }))} />
        </section>
      </div>
    </article>
  );
}

function Births({ site, resolution }: { site: LeakSite; resolution: number }) {
  return (
    <section>
      <h3>By time of birth: what was allocated, and what of it stays</h3>
      <Table
        label="Survival by time of birth"
        rows={site.cohorts}
        rowKey={({ start_ns }) => start_ns}
        columns={[
          { key: "start", title: "Born from", cell: ({ start_ns }) => formatMoment(start_ns, resolution) },
          { key: "allocated", title: "Allocated", isNumber: true, cell: ({ allocated }) => formatBytes(allocated) },
          { key: "surviving", title: "Stays", isNumber: true, cell: ({ surviving }) => formatBytes(surviving) },
          { key: "share", title: "Share", isNumber: true, cell: ({ allocated, surviving }) => (allocated > 0 ? formatShare(surviving / allocated) : "–") },
        ]}
      />
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Evidence({ site }: { site: LeakSite }) {
  const { info } = useTrace();
  const palette = usePalette();
  const processes = info.processes.filter(({ process_id }) => site.process_ids.includes(process_id));
  const startNs = Math.min(...processes.map(({ start_ns }) => start_ns));
  const endNs = Math.max(...processes.map(({ end_ns }) => end_ns ?? info.duration_ns));
  const { curve, trend, band } = evidence(site, startNs, endNs);
  const lines: ChartLine[] = [{ label: "Live", colour: palette.heap, points: curve, isFilled: true }];
  if (trend.length > 0 && asksAttention(headingOf(site))) {
    lines.push({ label: "Trend", colour: palette.alive, points: trend, band, isDashed: true });
  }
  return (
    <figure>
      <h3>Live bytes of this line{isOfSuccessors(site) && ", added up over the life of each process"}{lines.length > 1 ? ", with the trend and its 95 % interval" : ""}</h3>
      <LineChart
        label={`Live bytes over time: ${formatBytes(site.curve.at(-1) ?? 0)} at the end${lines.length > 1 ? `, growing by ${formatBytes(site.growth_bytes_per_second.value)} a second` : ""}. The table of births below has figures.`}
        lines={lines}
        fromNs={startNs}
        toNs={endNs}
        height={190}
      />
    </figure>
  );
}

