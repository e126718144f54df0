import { useRef } from "react";

import { useTrace } from "../data/trace";
import { useSize } from "../lib/canvas";
import { usePalette } from "../lib/theme";
import { Timeline } from "./Timeline";
import { useMemory } from "./useMemory";
import "./timeline.css";

const HEIGHT_PX = 92;

/** A small timeline above the other views, to choose what they show. */
export function Overview() {
  const { info } = useTrace();
  return info.duration_ns > 0 ? <OverviewOfTime /> : null;
}

function OverviewOfTime() {
  const container = useRef<HTMLDivElement>(null);
  const { width } = useSize(container);
  const memory = useMemory(width, true, usePalette());
  return (
    <div ref={container} className="overview" style={{ minHeight: HEIGHT_PX }}>
      {width > 0 && <Timeline memory={memory} width={width} plotHeight={HEIGHT_PX} isCompact />}
    </div>
  );
}
