import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { formatBytes, formatCount, formatMoment, formatShare, plural } from "../lib/units";
import { chainGraph, type ChainNode, type Holders as HoldersForm } from "./chains";

const COLUMN_PX = 210;
const ROW_PX = 44;
const BOX_WIDTH = 178;
const BOX_HEIGHT = 30;

/** Who holds what the line allocated: types, retained bytes, and the chains of references as a graph. */
export function Holders({ holders }: { holders: unknown }) {
  const { info } = useTrace();
  if (holders === null || holders === undefined) {
    return (
      <p className="quiet">
        {info.has.checkpoints
          ? "Nothing of it was found at the checkpoint of the heap."
          : "Who holds it is not known: the trace has no checkpoint of the heap."}
      </p>
    );
  }
  const found = holders as HoldersForm;
  const chains = found.chains.length > 0 ? found.chains : found.shortest === null ? [] : [found.shortest];
  return (
    <section aria-label="Who holds it">
      <h3>Who holds it, at the checkpoint {formatMoment(found.time_ns, info.duration_ns / 1000)}</h3>
      <p>
        {plural(found.objects, "recorded object")}, {formatBytes(found.bytes)}; freeing them would free {formatBytes(found.retained_bytes)}.{" "}
        {found.types.slice(0, 4).map(({ type, objects }) => `${formatCount(objects)} ${visible(type)}`).join(", ")}
        {found.blocks_without_object > 0 && `; ${plural(found.blocks_without_object, "block")} held by C code`}
      </p>
      {found.holder !== null && (
        <p>
          <strong>{visible(found.holder.text)}</strong> holds {formatShare(found.holder.share)} of them, {formatBytes(found.holder.retained_bytes)} in all.
        </p>
      )}
      {chains.length > 0 && <ChainPicture chains={chains} />}
    </section>
  );
}

function ChainPicture({ chains }: { chains: HoldersForm["chains"] }) {
  const { roots, rows } = chainGraph(chains);
  const depth = Math.max(...chains.map(({ text }) => text.split(" → ").length));
  return (
    <>
      <div className="chains" tabIndex={0} role="region" aria-label="Chains of references">
        <svg width={depth * COLUMN_PX} height={rows * ROW_PX} aria-hidden="true">
          {roots.map((node, index) => (
            <ChainBranch key={index} node={node} />
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

function ChainBranch({ node }: { node: ChainNode }) {
  const x = node.depth * COLUMN_PX;
  const y = node.row * ROW_PX + (ROW_PX - BOX_HEIGHT) / 2;
  const text = visible(node.text);
  return (
    <g>
      {node.children.map((child, index) => {
        const [fromX, fromY] = [x + BOX_WIDTH, y + BOX_HEIGHT / 2];
        const [toX, toY] = [child.depth * COLUMN_PX, child.row * ROW_PX + ROW_PX / 2];
        const middle = (fromX + toX) / 2;
        return (
          <g key={index}>
            <path className="chain-edge" d={`M${fromX},${fromY} C${middle},${fromY} ${middle},${toY} ${toX},${toY}`} strokeWidth={1 + 3 * child.share} />
            <ChainBranch node={child} />
          </g>
        );
      })}
      <rect className={node.depth === 0 ? "chain-box is-root" : "chain-box"} x={x} y={y} width={BOX_WIDTH} height={BOX_HEIGHT} rx="5" />
      <text className="chain-text" x={x + 9} y={y + BOX_HEIGHT / 2}>
        <title>{text}</title>
        {text.length > 25 ? `${text.slice(0, 24)}…` : text}
      </text>
    </g>
  );
}
