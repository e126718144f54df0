import { formatBytes } from "../lib/units";

const WIDTH = 100;
const HEIGHT = 16;
const LEAST = 16;

/** A box plot on a scale of powers: quartiles as a box, the median as a line, 95 % and the greatest as marks. */
export function Distribution({ quantiles, values, greatest }: { quantiles: readonly number[]; values: readonly (number | null)[]; greatest: number }) {
  const of = (quantile: number) => values[quantiles.indexOf(quantile)] ?? 0;
  const x = (bytes: number) => 2 + (Math.log(Math.max(bytes, LEAST) / LEAST) / Math.log(Math.max(greatest, 2 * LEAST) / LEAST)) * (WIDTH - 4);
  const label = `median ${formatBytes(of(0.5))}, quartiles ${formatBytes(of(0.25))} and ${formatBytes(of(0.75))}, 95 % below ${formatBytes(of(0.95))}, greatest ${formatBytes(of(1))}`;
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label} className="distribution">
      <title>{label}</title>
      <line x1={x(of(0))} x2={x(of(1))} y1={HEIGHT / 2} y2={HEIGHT / 2} className="whisker" />
      <rect x={x(of(0.25))} width={Math.max(2, x(of(0.75)) - x(of(0.25)))} y={3} height={HEIGHT - 6} className="box" />
      <line x1={x(of(0.5))} x2={x(of(0.5))} y1={2} y2={HEIGHT - 2} className="median" />
      <line x1={x(of(0.95))} x2={x(of(0.95))} y1={5} y2={HEIGHT - 5} className="whisker" />
      <circle cx={x(of(1))} cy={HEIGHT / 2} r={2} className="greatest" />
    </svg>
  );
}
