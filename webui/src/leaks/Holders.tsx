import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { formatBytes, formatMoment, formatShare } from "../lib/units";
import type { LeakSite } from "./form";
import { chainGraph, containerText, containersText, foundText, longestTexts, type ChainNode, type Holders as HoldersForm } from "./chains";

const ROW_PX = 44;
const GAP_PX = 24;
const BOX_HEIGHT = 30;
const PADDING_PX = 9;
/** Of the monospaced font of `.chain-text`. */
const LETTER_PX = 6.95;
const MOST_LETTERS = 26;
const LEAST_SHARE = 0.005;

/** Where a column of the graph begins, and how wide its boxes are. */
interface Place {
  readonly x: number;
  readonly width: number;
}

function columnsOf(roots: readonly ChainNode[]): Place[] {
  let x = 0;
  return longestTexts(roots).map((letters) => {
    const width = Math.ceil(Math.min(letters, MOST_LETTERS) * LETTER_PX) + 2 * PADDING_PX;
    const place = { x, width };
    x += width + GAP_PX;
    return place;
  });
}

/** Who holds what the line allocated: types, retained bytes, and the chains of references as a graph. */
export function Holders({ site: { holders, grew_until_freed, checkpoint_ns, is_checkpoint_damaged, judged_until_ns } }: { site: LeakSite }) {
  const { info } = useTrace();
  if (holders === null || holders === undefined) {
    const isLate = grew_until_freed && checkpoint_ns !== null && checkpoint_ns > judged_until_ns;
    return (
      <p className="quiet">
        {is_checkpoint_damaged
          ? "Who holds it is not known: its heap was recorded, and a part of it is damaged in the trace. Copy the trace anew, or record again."
          : isLate
          ? "Who held it is not known: the heap was recorded after it was freed. Record with --checkpoint-interval-s, call memlyze.checkpoint(), or set checkpoint_signal and send that signal, while it is there."
          : info.has.checkpoints
          ? "Nothing of it was found at the checkpoint of the heap."
          : "Who holds it is not known: the trace has no checkpoint of the heap. One is recorded when the program ends by itself, unless with --no-references, by memlyze.checkpoint() at any moment, and with --checkpoint-interval-s from time to time."}
      </p>
    );
  }
  const found = holders as HoldersForm;
  const several = containersText(found);
  // What would be shown as 0 % is of single objects among hundreds.
  const telling = found.chains.filter(({ share }, number) => number === 0 || share >= LEAST_SHARE);
  const chains = telling.length > 0 ? telling : found.shortest === null ? [] : [found.shortest];
  return (
    <section aria-label="Who holds it">
      <h3>Who holds it, at the checkpoint {formatMoment(found.time_ns, info.duration_ns / 1000)}</h3>
      <p>{foundText(found)}</p>
      {found.holder !== null && (
        <p>
          <strong>{visible(found.holder.text)}</strong> holds {formatShare(found.holder.share)} of them, {formatBytes(found.holder.retained_bytes)} in all.
        </p>
      )}
      {several !== null && <p>{several}</p>}
      {found.containers.length > 0 && (
        <ul className="chain-list">
          {found.containers.map((container) => (
            <li key={container.text}>
              <span className="number">{formatShare(container.share)}</span> <code>{containerText(container)}</code>
            </li>
          ))}
        </ul>
      )}
      {chains.length > 0 && <ChainPicture chains={chains} />}
    </section>
  );
}

function ChainPicture({ chains }: { chains: HoldersForm["chains"] }) {
  const { roots, rows } = chainGraph(chains);
  const columns = columnsOf(roots);
  const last = columns.at(-1);
  return (
    <>
      <div className="chains" tabIndex={0} role="region" aria-label="Chains of references">
        <svg width={last === undefined ? 0 : last.x + last.width + 2} height={rows * ROW_PX} aria-hidden="true">
          {roots.map((node, index) => (
            <ChainBranch key={index} node={node} columns={columns} />
          ))}
        </svg>
      </div>
      <ul className="chain-list">
        {chains.map(({ text, share }) => (
          <li key={text}>
            <span className="number">{formatShare(share)}</span> <code>{visible(text)}</code>
          </li>
        ))}
      </ul>
    </>
  );
}

function ChainBranch({ node, columns }: { node: ChainNode; columns: readonly Place[] }) {
  const { x, width } = columns[node.depth] ?? { x: 0, width: 0 };
  const y = node.row * ROW_PX + (ROW_PX - BOX_HEIGHT) / 2;
  const text = visible(node.text);
  return (
    <g>
      {node.children.map((child, index) => {
        const [fromX, fromY] = [x + width, y + BOX_HEIGHT / 2];
        const [toX, toY] = [columns[child.depth]?.x ?? 0, child.row * ROW_PX + ROW_PX / 2];
        const middle = (fromX + toX) / 2;
        return (
          <g key={index}>
            <path className="chain-edge" d={`M${fromX},${fromY} C${middle},${fromY} ${middle},${toY} ${toX},${toY}`} strokeWidth={1 + 3 * child.share} />
            <ChainBranch node={child} columns={columns} />
          </g>
        );
      })}
      <rect className={node.depth === 0 ? "chain-box is-root" : "chain-box"} x={x} y={y} width={width} height={BOX_HEIGHT} rx="5" />
      <text className="chain-text" x={x + PADDING_PX} y={y + BOX_HEIGHT / 2}>
        <title>{text}</title>
        {text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text}
      </text>
    </g>
  );
}
