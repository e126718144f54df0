import { useEffect, useId, useMemo, useRef, useState } from "react";

import { useTrace } from "../data/trace";
import { beginDrawing, useFrame } from "../lib/canvas";
import { usePalette } from "../lib/theme";
import { formatMoment } from "../lib/units";
import { ErrorMessage, Progress } from "../parts/States";
import { Tooltip, TooltipFacts } from "../parts/Tooltip";
import type { TimeRange } from "../selection/selection";
import { adjustSelection, currentSelection, select, subscribeToSelection, useSelection } from "../selection/store";
import { drawLanes, type LanePicture } from "./drawLanes";
import { drawOverlay } from "./drawOverlay";
import { useTimeGestures } from "./gestures";
import { hitLane } from "./hitLanes";
import { KEY_HELP, onTimelineKey } from "./keyboard";
import { laneRows } from "./laneRows";
import { AXIS_HEIGHT, MemoryPlot, type MemoryPlotHandle } from "./MemoryPlot";
import { momentFacts } from "./moment";
import { spikeValues } from "./series";
import { findSpike } from "./spike";
import type { Memory } from "./useMemory";
import { ordered, panned, zoomed, zoomedTo } from "./viewport";

const NARROW_PX = 600;
const EDGE_PX = 6;
const CLICK_REACH_PX = 12;
/** While a brush moves, the other views follow at most so often. */
const BRUSH_INTERVAL_MS = 60;

interface Hover {
  readonly x: number;
  readonly y: number;
  readonly clientX: number;
  readonly clientY: number;
}

/** Memory over time with its lanes: where the time range and the moment are chosen. */
export function Timeline({ memory, width, plotHeight, isCompact = false }: { memory: Memory; width: number; plotHeight: number; isCompact?: boolean }) {
  const { info } = useTrace();
  const palette = usePalette();
  const durationNs = Math.max(1, info.duration_ns);
  const { timeline, lanes, model } = memory;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<MemoryPlotHandle>(null);
  const laneCanvas = useRef<HTMLCanvasElement>(null);
  const overlayCanvas = useRef<HTMLCanvasElement>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const brush = useRef<TimeRange | null>(null);
  const lastBrush = useRef(0);
  const helpId = useId();
  const atNs = useSelection((selection) => selection.atNs);
  const selection = useSelection();

  const left = width < NARROW_PX ? 62 : 76;
  const right = 12;
  const layout = useMemo(() => (isCompact ? { rows: [], height: 0 } : laneRows(lanes, info)), [lanes, info, isCompact]);
  const height = plotHeight + layout.height;
  const visible = (): TimeRange => currentSelection().zoom ?? { fromNs: 0, toNs: durationNs };
  const nsPerPixel = () => (visible().toNs - visible().fromNs) / Math.max(1, width - left - right);
  const timeAt = (x: number) => visible().fromNs + (x - left) * nsPerPixel();

  const lanePicture = (): LanePicture => ({
    ...layout,
    lanes,
    timeline,
    info,
    left,
    right,
    width,
    ...visible(),
    chosen: currentSelection(),
    palette,
  });

  const draw = () => {
    const range = visible();
    plot.current?.show(range);
    const laneContext = laneCanvas.current && beginDrawing(laneCanvas.current, { width, height: layout.height });
    if (laneContext) {
      drawLanes(laneContext, lanePicture());
    }
    const context = overlayCanvas.current && beginDrawing(overlayCanvas.current, { width, height });
    if (context) {
      drawOverlay(context, {
        width,
        height,
        left,
        right,
        visible: range,
        range: brush.current ?? currentSelection().range,
        atNs: currentSelection().atNs,
        hoverX: hover?.x ?? null,
        peaks: isCompact || memory.mode !== "memory" || memory.isFiltered ? [] : (timeline?.peaks ?? []),
        positionOf: (bytes) => plot.current?.positionOf(bytes) ?? 0,
        palette,
      });
    }
  };
  const requestDraw = useFrame(draw);
  useEffect(requestDraw);
  useEffect(() => subscribeToSelection(requestDraw), [requestDraw]);

  const selectSpikeAt = (timeNs: number) => {
    const spike = timeline && findSpikeAt(timeNs);
    if (!spike || !timeline) {
      select({ atNs: Math.round(timeNs) });
      return;
    }
    const startOf = (index: number) => (timeline.start_ns[0] ?? 0) + index * timeline.bucket_ns;
    const range = ordered(startOf(spike.from), startOf(spike.to), durationNs);
    select({ range, atNs: Math.round(Math.min(durationNs, startOf(spike.peak) + timeline.bucket_ns / 2)) });
  };
  const findSpikeAt = (timeNs: number) => {
    if (timeline === undefined) {
      return null;
    }
    const indexOf = (time: number) => Math.floor((time - (timeline.start_ns[0] ?? 0)) / timeline.bucket_ns);
    const reach = Math.ceil((CLICK_REACH_PX * nsPerPixel()) / timeline.bucket_ns);
    const values = spikeValues(timeline);
    const first = Math.max(0, indexOf(visible().fromNs));
    return findSpike(values, indexOf(timeNs), reach, first, Math.min(values.length, indexOf(visible().toNs) + 1));
  };

  useTimeGestures(element, {
    timeAt,
    nsPerPixel,
    pansAt: (_x, y) => y > plotHeight - AXIS_HEIGHT,
    anchorAt: (x) => {
      const { range } = currentSelection();
      if (range === null) {
        return null;
      }
      const xOf = (time: number) => left + (time - visible().fromNs) / nsPerPixel();
      if (Math.abs(x - xOf(range.fromNs)) < EDGE_PX) {
        return range.toNs;
      }
      return Math.abs(x - xOf(range.toNs)) < EDGE_PX ? range.fromNs : null;
    },
    onBrush: (aNs, bNs, isFinal) => {
      const range = ordered(aNs, bNs, durationNs);
      brush.current = isFinal ? null : range;
      if (isFinal) {
        select({ range });
      } else if (performance.now() - lastBrush.current > BRUSH_INTERVAL_MS) {
        lastBrush.current = performance.now();
        adjustSelection({ range });
      }
      requestDraw();
    },
    onClick: (timeNs, x, y) => {
      element.current?.focus({ preventScroll: true });
      const hit = y > plotHeight ? hitLane(lanePicture(), x, y - plotHeight) : null;
      const { windowId, threadId, processId } = currentSelection();
      if (hit?.windowId !== undefined) {
        select({ windowId: hit.windowId === windowId ? null : hit.windowId });
      } else if (hit?.threadId !== undefined) {
        select({ threadId: hit.threadId === threadId ? null : hit.threadId });
      } else if (hit?.processId !== undefined) {
        select({ processId: hit.processId === processId ? null : hit.processId, threadId: null });
      } else if (x >= left) {
        selectSpikeAt(timeNs);
      }
    },
    onDoubleClick: () => {
      const { range, zoom } = currentSelection();
      adjustSelection({ zoom: zoom === null && range !== null ? zoomedTo(range, durationNs) : null });
    },
    onHover: setHover,
    onZoom: (aroundNs, factor) => adjustSelection({ zoom: zoomed(visible(), aroundNs, factor, durationNs) }),
    onPan: (byNs) => adjustSelection({ zoom: panned(visible(), byNs, durationNs) }),
  });

  if (memory.error !== null) {
    return <ErrorMessage error={memory.error} />;
  }
  return (
    <>
      <Progress active={memory.isStale} />
      <div
        ref={element}
        className="timeline"
        style={{ height }}
        tabIndex={0}
        role="slider"
        aria-label="Moment on the timeline"
        aria-valuemin={0}
        aria-valuemax={durationNs}
        aria-valuenow={atNs ?? durationNs}
        aria-valuetext={momentText(memory, atNs ?? durationNs)}
        aria-describedby={helpId}
        onKeyDown={(event) => onTimelineKey(event, { durationNs, visible: visible(), peaks: timeline?.peaks ?? [], selectSpikeAt })}
        data-range={selection.range ? `${selection.range.fromNs}-${selection.range.toNs}` : ""}
      >
        {model !== undefined && width > 0 && (
          <MemoryPlot
            ref={plot}
            model={model}
            geometry={{ width, height: plotHeight, left, right }}
            palette={palette}
            visible={visible}
            isCompact={isCompact}
          />
        )}
        <canvas ref={laneCanvas} style={{ top: plotHeight }} aria-hidden="true" />
        <canvas ref={overlayCanvas} aria-hidden="true" />
        <span id={helpId} className="visually-hidden">
          {KEY_HELP}
        </span>
      </div>
      {hover !== null && timeline !== undefined && <HoverText hover={hover} picture={lanePicture()} memory={memory} plotHeight={plotHeight} />}
    </>
  );
}

function momentText(memory: Memory, timeNs: number): string {
  const { timeline } = memory;
  if (timeline === undefined) {
    return "";
  }
  const facts = momentFacts(memory, timeNs).map(([name, value]) => `${name} ${value}`);
  return [formatMoment(timeNs, timeline.bucket_ns), ...facts].join(", ");
}

function HoverText({ hover, picture, memory, plotHeight }: { hover: Hover; picture: LanePicture; memory: Memory; plotHeight: number }) {
  const isLane = hover.y > plotHeight;
  const hit = isLane ? hitLane(picture, hover.x, hover.y - plotHeight) : null;
  if (isLane && hit === null) {
    return null;
  }
  if (hover.x < picture.left && hit === null) {
    return null;
  }
  const nsPerPixel = (picture.toNs - picture.fromNs) / (picture.width - picture.left - picture.right);
  const timeNs = picture.fromNs + (hover.x - picture.left) * nsPerPixel;
  return (
    <Tooltip x={hover.clientX} y={hover.clientY}>
      <strong>{hit?.title ?? formatMoment(timeNs, nsPerPixel)}</strong>
      <TooltipFacts facts={hit?.facts ?? momentFacts(memory, timeNs)} />
    </Tooltip>
  );
}

