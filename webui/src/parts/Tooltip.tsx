import { useLayoutEffect, useRef, type ReactNode } from "react";

const DISTANCE_PX = 14;

/** What the pointer is on, beside it and within the page. Only for the eye: what it says, the table says too. */
export function Tooltip({ x, y, children }: { x: number; y: number; children: ReactNode }) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) {
      return;
    }
    const { offsetWidth, offsetHeight } = element;
    const isLeft = x + DISTANCE_PX + offsetWidth > window.innerWidth - 8;
    const isAbove = y + DISTANCE_PX + offsetHeight > window.innerHeight - 8;
    element.style.left = `${Math.max(8, isLeft ? x - DISTANCE_PX - offsetWidth : x + DISTANCE_PX)}px`;
    element.style.top = `${Math.max(8, isAbove ? y - DISTANCE_PX - offsetHeight : y + DISTANCE_PX)}px`;
  });
  return (
    <div ref={ref} className="tooltip" aria-hidden="true">
      {children}
    </div>
  );
}

/** Names and figures, in two columns. */
export function TooltipFacts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl>
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
