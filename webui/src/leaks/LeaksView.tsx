import { useAnswer } from "../data/answers";
import { useTrace } from "../data/trace";
import { shortFigure } from "../lib/estimates";
import { formatBytes, plural } from "../lib/units";
import { EstimateText, PlaceText } from "../parts/Figures";
import { Answered, Message } from "../parts/States";
import { useSelection, useSetting } from "../selection/store";
import { asksAttention, foremost, leaksForm, VERDICT_TEXTS, VERDICTS, type LeakSite, type LeaksForm, type Verdict } from "./form";
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
      <header className={`leaks-head ${growing > 0 ? "is-bad" : isKnown ? "is-good" : ""}`}>
        <strong>
          {verdictText(growing, isKnown)}
        </strong>
        {growing > 0 && (
          <span>
            together <EstimateText estimate={leaks.growth_bytes_per_second} format={(value) => `${formatBytes(value)}/s`} />
          </span>
        )}
        <span className="quiet">
          {isKnown
            ? `${plural(judged - tooFew, "line")} judged${leaks.is_exact ? "" : ", from a sample"}${tooFew > 0 ? `; ${tooFew} more with too few samples to tell` : ""}`
            : "Record for longer, or with a smaller --sample-interval; --sample-rate 1.0 records everything."}
        </span>
      </header>
      <div className="leaks">
        <nav className="suspects" aria-label="Lines by verdict">
          {VERDICTS.map((verdict) => (
            <VerdictGroup key={verdict} verdict={verdict} leaks={leaks} current={site} onChoose={(next) => setChosen(siteKey(next))} />
          ))}
        </nav>
        {site !== undefined && <Suspect key={siteKey(site)} site={site} />}
      </div>
    </>
  );
}

function verdictText(growing: number, isKnown: boolean): string {
  if (!isKnown) {
    return "Too few samples to tell";
  }
  return growing === 0 ? "Nothing grows without bound" : `${plural(growing, "line")} ${growing === 1 ? "grows" : "grow"} without bound`;
}

function VerdictGroup({ verdict, leaks, current, onChoose }: { verdict: Verdict; leaks: LeaksForm; current: LeakSite | undefined; onChoose: (site: LeakSite) => void }) {
  const { processes } = useTrace().info;
  const sites = leaks.sites.filter((site) => site.verdict === verdict);
  const count = leaks.judged[verdict] ?? 0;
  if (count === 0) {
    return null;
  }
  return (
    <details open={asksAttention({ verdict }) || sites.includes(current as LeakSite)}>
      <summary>
        <span className={`verdict-dot is-${verdict}`} aria-hidden="true" />
        {VERDICT_TEXTS[verdict]} <span className="quiet">{count}</span>
      </summary>
      <ul>
        {sites.map((site) => (
          <li key={siteKey(site)}>
            <button type="button" aria-current={site === current ? "true" : undefined} onClick={() => onChoose(site)}>
              <PlaceText place={{ ...site, module: null, origin: null }} isLinked={false} />
              <span className="suspect-figures">
                {shortFigure(site.live_bytes)} live
                {processes.length > 1 && <>, PID {site.process_id}</>}
                {verdict === "growing" && <>, +{shortFigure(site.growth_bytes_per_second)}/s</>}
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

