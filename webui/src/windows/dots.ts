/** Windows that would be drawn on top of each other, as one dot with their number. */

export interface Dot {
  readonly x: number;
  readonly y: number;
  readonly name: string;
  /** The windows, by their place in the answer; the one that allocated most is the first. */
  readonly members: readonly number[];
}

const CELL_PX = 6;
const RADIUS_PX = 3.4;
const MOST_PX = 12;
const LEAST_NUMBERED_PX = 8;

/** Windows of one name that stand within a few pixels, as one dot in their midst; the greatest first, so that none is hidden by it. */
export function dotsOf(names: readonly string[], positions: readonly (readonly [number, number])[]): Dot[] {
  const groups = new Map<string, { x: number; y: number; name: string; members: number[] }>();
  for (const [index, [x, y]] of positions.entries()) {
    const name = names[index] ?? "";
    const key = `${Math.round(x / CELL_PX)} ${Math.round(y / CELL_PX)} ${name}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { x, y, name, members: [index] });
    } else {
      group.x += x;
      group.y += y;
      group.members.push(index);
    }
  }
  const dots = [...groups.values()]
    .map(({ x, y, name, members }) => ({ x: x / members.length, y: y / members.length, name, members }))
    .sort((a, b) => b.members.length - a.members.length);
  return apart(dots);
}

/** Of two that overlap by more than this part, the number of the lower one could not be read. */
const OVERLAP = 0.4;

/** Of dots with a number, at one place, the smaller stands to the right of the greater. */
function apart(dots: readonly Dot[]): Dot[] {
  const numbered: Dot[] = [];
  return dots.map((dot) => {
    if (!isNumbered(dot)) {
      return dot;
    }
    let { x } = dot;
    for (const other of numbered) {
      const reach = radiusOf(dot) + radiusOf(other);
      if (Math.hypot(other.x - x, other.y - dot.y) < (1 - OVERLAP) * reach) {
        x = other.x + reach;
      }
    }
    const moved = { ...dot, x };
    numbered.push(moved);
    numbered.sort((a, b) => a.x - b.x);
    return moved;
  });
}

/** The area grows with the number, up to a size at which it would hide its neighbours. */
export function radiusOf({ members }: Dot): number {
  return Math.min(MOST_PX, RADIUS_PX * Math.sqrt(1 + Math.log2(members.length) * 1.6));
}

/** Whether there is room for the number in it. */
export function isNumbered(dot: Dot): boolean {
  return radiusOf(dot) >= LEAST_NUMBERED_PX;
}

const NUMBER_WIDTH_PX = 18;
const NUMBER_HEIGHT_PX = 12;

/** Those whose number is written: where two would lie on each other, that of the greater dot. */
export function readable(dots: readonly Dot[]): Dot[] {
  const written: Dot[] = [];
  for (const dot of dots) {
    const isFree = written.every(({ x, y }) => Math.abs(x - dot.x) > NUMBER_WIDTH_PX || Math.abs(y - dot.y) > NUMBER_HEIGHT_PX);
    if (isNumbered(dot) && isFree) {
      written.push(dot);
    }
  }
  return written;
}

/** The dot whose edge is nearest, within `reach`; of two that hold the place, the smaller. */
export function dotAt(dots: readonly Dot[], x: number, y: number, reach: number): Dot | null {
  let [found, least]: [Dot | null, number] = [null, reach];
  for (const dot of dots) {
    const distance = Math.max(0, Math.hypot(dot.x - x, dot.y - y) - radiusOf(dot));
    if (distance <= least) {
      [found, least] = [dot, distance];
    }
  }
  return found;
}

/** What a click chooses: the first of a dot's windows, and from then on the next one. */
export function nextOf({ members }: Dot, chosen: number): number {
  return members[(members.indexOf(chosen) + 1) % members.length] ?? -1;
}
