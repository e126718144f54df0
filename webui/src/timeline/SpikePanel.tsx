import { Flame } from "lucide-react";

import { useAnswer } from "../data/answers";
import type { Info, Spike } from "../data/forms";
import { aliveAt, selectionParameters } from "../data/parameters";
import { useTrace } from "../data/trace";
import { formatMoment, formatCount } from "../lib/units";
import { CodeExcerpt } from "../parts/CodeExcerpt";
import { EstimateBar, EstimateText, isFile, PlaceText } from "../parts/Figures";
import { Stack } from "../parts/Stack";
import { Answered, Message } from "../parts/States";
import { Table } from "../parts/Table";
import { linkTo, useSelection, useSetting } from "../selection/store";

type Site = Spike["sites"][number];

const SITES = 50;

/** What was born in the brushed range, what of it is alive, and the lines that made it. */
export function SpikePanel() {
  const { trace } = useTrace();
  const selection = useSelection();
  const answer = useAnswer("spike", { ...selectionParameters(selection, trace.id), ...aliveAt(selection), limit: SITES });
  return <Answered answer={answer}>{(spike) => <SpikeContent spike={spike} />}</Answered>;
}

/** Why there is no allocation at all, as the commands say it. */
function noAllocationText({ trace, damage, is_exact: isExact }: Info): string {
  if (trace.state === "live") {
    return "No allocation was written yet; look again in a moment.";
  }
  if (trace.state === "cut_off") {
    return "No allocation was written before the trace was cut off: was the disk full, or the program killed at once?";
  }
  if (damage.length > 0) {
    return "No allocation can be read: the trace is damaged.";
  }
  return isExact ? "No allocation was recorded." : "No allocation was recorded, as only a sample is. To see small programs, record with --sample-rate 1.0.";
}

function siteKey({ place, label }: Site): string {
  return `${place.file}:${place.line}:${place.function}:${label}`;
}

function SpikeContent({ spike }: { spike: Spike }) {
  const { info } = useTrace();
  const { range } = useSelection();
  const [chosen, setChosen] = useSetting<string>("site", "");
  const site = spike.sites.find((candidate) => siteKey(candidate) === chosen) ?? spike.sites[0];
  if (spike.samples === 0) {
    return (
      <Message title={range === null ? "Nothing was recorded" : "Nothing was allocated here"}>
        {range === null
          ? noAllocationText(info)
          : info.is_exact
            ? "Brush a longer stretch, or clear the selection."
            : "Or no allocation of this stretch was sampled. Brush a longer one, or record with a smaller --sample-interval."}
      </Message>
    );
  }
  const isEnd = spike.at_ns >= info.duration_ns;
  const isOver = isEnd && info.trace.state !== "live";
  const until = isEnd ? "now" : `at ${formatMoment(spike.at_ns, info.duration_ns / 1000)}`;
  return (
    <div className="spike">
      <div className="spike-head">
        <dl className="figure">
          <dt>{range === null ? "Allocated in all" : "Born in the selection"}</dt>
          <dd>
            <EstimateText estimate={spike.born} />
          </dd>
        </dl>
        <dl className="figure">
          <dt>{isOver ? "Of it not freed" : `Of it alive ${until}`}</dt>
          <dd>
            <EstimateText estimate={spike.alive} />
          </dd>
        </dl>
        <dl className="figure">
          <dt>Allocations</dt>
          <dd>
            <EstimateText estimate={spike.born_allocations} format={formatCount} />
          </dd>
        </dl>
        <div className="actions">
          <a className="button" href={linkTo({ view: "flamegraph", settings: { mode: null } })}>
            <Flame size={14} aria-hidden="true" />
            Allocated
          </a>
          <a className="button" href={linkTo({ view: "flamegraph", settings: { mode: "born_alive" } })}>
            <Flame size={14} aria-hidden="true" />
            Still alive
          </a>
        </div>
      </div>
      <SiteTable spike={spike} chosen={site} onChoose={(next) => setChosen(siteKey(next))} />
      {site !== undefined && <SiteDetail site={site} />}
    </div>
  );
}

function SiteTable({ spike, chosen, onChoose }: { spike: Spike; chosen: Site | undefined; onChoose: (site: Site) => void }) {
  return (
    <Table
      label="Lines that allocated in the selection"
      rows={spike.sites}
      rowKey={siteKey}
      isCurrent={(site) => site === chosen}
      onChoose={onChoose}
      columns={[
        {
          key: "site",
          title: "Line",
          isWide: true,
          cell: (site) => (
            <button type="button" className="site-button" aria-pressed={site === chosen} onClick={() => onChoose(site)}>
              <PlaceText place={site.place} label={site.label} inner={site.inner} isLinked={false} />
            </button>
          ),
        },
        {
          key: "born",
          title: "Born",
          estimate: ({ born }) => born,
          cell: (site) => <EstimateBar estimate={site.born} whole={spike.born.value} />,
        },
        {
          key: "alive",
          title: "Alive",
          estimate: ({ alive }) => alive,
          cell: (site) => <EstimateBar estimate={site.alive} whole={spike.alive.value} kind="alive" />,
        },
      ]}
    />
  );
}

function SiteDetail({ site }: { site: Site }) {
  const { file, line } = site.place;
  return (
    <section className="spike-detail" aria-label="The chosen line">
      {isFile(file) && line !== null && line > 0 && <CodeExcerpt file={file} line={line} />}
      <div>
        <h2>Most of it came this way, innermost first</h2>
        <Stack frames={site.stack} />
      </div>
    </section>
  );
}
