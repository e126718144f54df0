import { useAnswer } from "../data/answers";
import { useTrace } from "../data/trace";
import { estimateText, shortFigure } from "../lib/estimates";
import { formatBytes, formatMoment, plural } from "../lib/units";
import { EstimateText, PlaceText } from "../parts/Figures";
import { Answered, Message } from "../parts/States";
import { useSelection, useSetting } from "../selection/store";
import { asksAttention, countUnder, foremost, HEADING_TEXTS, headingOf, HEADINGS, isPart, leaksForm, processesText, type Heading, type LeakSite, type LeaksForm } from "./form";
import { Suspect } from "./Suspect";
import "./leaks.css";

const SITES = 30;

export default function LeaksView() {
  const { trace } = useTrace();
  const processId = useSelection((selection) => selection.processId);
  const answer = useAnswer("leaks", { trace: trace.id, limit: SITES, ...(processId !== null && { process_id: processId }) });
  return <Answered answer={answer}>{(data) => <Content leaks={leaksForm(data)} />}</Answered>;
}

function siteKey({ process_id, file, line, function: name }: LeakSite): string {
  return `${process_id}:${file}:${line}:${name}`;
}

function Content({ leaks }: { leaks: LeaksForm }) {
  const [chosen, setChosen] = useSetting<string>("suspect", "");
  const growing = leaks.judged.growing ?? 0;
  const freed = leaks.grew_until_freed.sites;
  const judged = Object.values(leaks.judged).reduce((sum, count) => sum + count, 0);
  if (judged === 0) {
    return (
      <Message title="Nothing to judge">
        No line of the program ever had 16 KiB live, as far as was recorded. Record for longer, or with a smaller --sample-interval.
      </Message>
    );
  }
  const tooFew = leaks.judged.too_few_samples ?? 0;
  const isKnown = tooFew < judged;
  const site = leaks.sites.find((candidate) => siteKey(candidate) === chosen) ?? foremost(leaks.sites);
  return (
    <>
      <header className={`leaks-head ${growing + freed > 0 ? "is-bad" : isKnown && leaks.grew_until_stopped.sites === 0 ? "is-good" : ""}`}>
        {(growing > 0 || freed === 0) && <strong>{verdictText(growing, leaks.growing_leaks, isKnown)}</strong>}
        {growing > 0 && (
          <span>
            together <EstimateText estimate={leaks.growth_bytes_per_second} format={(value) => `${formatBytes(value)}/s`} />
          </span>
        )}
        {freed > 0 && <FreedGrowth freed={leaks.grew_until_freed} />}
        {leaks.grew_until_stopped.sites > 0 && <StoppedGrowth stopped={leaks.grew_until_stopped} />}
        {leaks.unseen !== null && <UnseenMemory unseen={leaks.unseen} />}
        <span className="quiet">
          {isKnown
            ? `${plural(judged - tooFew, "line")} judged${leaks.is_exact ? "" : ", from a sample"}${tooFew > 0 ? `; ${tooFew} more with too few samples to tell` : ""}`
            : "Record for longer, or with a smaller --sample-interval; --sample-rate 1.0 records everything."}
        </span>
      </header>
      <div className="leaks">
        <nav className="suspects" aria-label="Lines by verdict">
          {HEADINGS.map((heading) => (
            <Group key={heading} heading={heading} leaks={leaks} current={site} onChoose={(next) => setChosen(siteKey(next))} />
          ))}
        </nav>
        {site !== undefined && <Suspect key={siteKey(site)} site={site} />}
      </div>
    </>
  );
}

function verdictText(growing: number, leaks: number | null, isKnown: boolean): string {
  if (!isKnown) {
    return "Too few samples to tell";
  }
  if (growing === 0) {
    return "Nothing grows without bound";
  }
  const lines = `${plural(growing, "line")} ${growing === 1 ? "grows" : "grow"} without bound`;
  return leaks === null || leaks === growing ? lines : `${lines}: ${plural(leaks, "leak")}, by what holds them`;
}

/** What is not growing at the end only because the program let go of it. */
function FreedGrowth({ freed }: { freed: LeaksForm["grew_until_freed"] }) {
  const { info } = useTrace();
  const [first, last] = [freed.first_freed_ns, freed.last_freed_ns].map((time) => formatMoment(time ?? 0, info.duration_ns / 1000));
  return (
    <>
      <strong>
        {plural(freed.sites, "line")} grew until the program let go of {freed.sites === 1 ? "it" : "them"} {first === last ? `at ${first}` : `from ${first} to ${last}`}
      </strong>
      <span>
        <EstimateText estimate={freed.peak_bytes} /> in all, by <EstimateText estimate={freed.growth_bytes_per_second} format={(value) => `${formatBytes(value)}/s`} />: a leak, if the program is meant to run on
      </span>
    </>
  );
}

/** What grew in a phase of the program that was over before the end. */
function StoppedGrowth({ stopped }: { stopped: LeaksForm["grew_until_stopped"] }) {
  const { info } = useTrace();
  if (stopped.began_ns !== null) {
    const [began, ended] = [stopped.began_ns, stopped.stopped_ns ?? 0].map((time) => formatMoment(time, info.duration_ns / 1000));
    return (
      <span>
        <PlaceText place={{ function: stopped.function ?? "", file: stopped.file ?? "", line: stopped.line ?? 0, module: null, origin: null }} isLinked={false} /> has{" "}
        {estimateText(stopped.live_bytes)} of what is live; it grew from {began} to {ended}, and not since: a leak, if that was work which comes again, such as requests or tasks
      </span>
    );
  }
  return (
    <span>
      {plural(stopped.sites, "line")} grew for most of the time and had stopped by {formatMoment(stopped.stopped_ns ?? 0, info.duration_ns / 1000)}: {estimateText(stopped.live_bytes)}
    </span>
  );
}

/** What may have leaked where nothing of it is seen. */
function UnseenMemory({ unseen }: { unseen: NonNullable<LeaksForm["unseen"]> }) {
  const { info } = useTrace();
  return (
    <span>
      Not seen: blocks of {unseen.allocators.join(", ")}. {formatBytes(unseen.unexplained_bytes)} of {formatBytes(unseen.resident_bytes)} resident are unexplained and may be theirs
      {unseen.grown_bytes > 0 && `, ${formatBytes(unseen.grown_bytes)} more than at ${formatMoment(unseen.grown_since_ns, info.duration_ns / 1000)}`}
    </span>
  );
}

function Group({ heading, leaks, current, onChoose }: { heading: Heading; leaks: LeaksForm; current: LeakSite | undefined; onChoose: (site: LeakSite) => void }) {
  const { processes } = useTrace().info;
  const sites = leaks.sites.filter((site) => headingOf(site) === heading);
  const count = countUnder(heading, leaks);
  if (count === 0) {
    return null;
  }
  return (
    <details open={asksAttention(heading) || sites.includes(current as LeakSite)}>
      <summary>
        <span className={`verdict-dot is-${heading}`} aria-hidden="true" />
        {HEADING_TEXTS[heading]} <span className="quiet">{count}</span>
      </summary>
      <ul>
        {sites.map((site, place) => (
          <li key={siteKey(site)} {...(isPart(site, sites[place - 1]) && PART)}>
            <button type="button" aria-current={site === current ? "true" : undefined} onClick={() => onChoose(site)}>
              <PlaceText place={{ ...site, module: null, origin: null }} isLinked={false} />
              <span className="suspect-figures">
                {site.grew_until_freed ? `${shortFigure(site.peak_bytes)} at its peak` : `${shortFigure(site.live_bytes)} live`}
                {processes.length > 1 && <>, {processesText(site)}</>}
                {(heading === "growing" || heading === "grew_until_freed") && <>, +{shortFigure(site.growth_bytes_per_second)}/s</>}
                <Sparkline values={site.curve} />
              </span>
            </button>
          </li>
        ))}
        {count > sites.length && <li className="quiet">and {count - sites.length} more</li>}
      </ul>
    </details>
  );
}

const PART = { className: "is-part", title: "Held with the line above: a part of the same leak" };

const SPARK_WIDTH = 64;
const SPARK_HEIGHT = 16;

function Sparkline({ values }: { values: readonly number[] }) {
  const greatest = Math.max(1, ...values);
  const points = values.map((value, index) => `${(index / Math.max(1, values.length - 1)) * SPARK_WIDTH},${SPARK_HEIGHT - 1 - (value / greatest) * (SPARK_HEIGHT - 2)}`);
  return (
    <svg width={SPARK_WIDTH} height={SPARK_HEIGHT} aria-hidden="true" className="sparkline">
      <polyline points={points.join(" ")} />
    </svg>
  );
}

