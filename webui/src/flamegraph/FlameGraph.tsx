import { useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";

import { beginDrawing, useFrame, useSize } from "../lib/canvas";
import { usePalette } from "../lib/theme";
import { Tooltip, TooltipFacts } from "../parts/Tooltip";
import { visible } from "../lib/text";
import { drawFlame, flameHeight, rowTop, ROW_HEIGHT } from "./draw";
import { useFlameGestures } from "./gestures";
import { nodeFacts, nodeText, nodeTitle } from "./nodeText";
import type { Matches } from "./search";
import { ancestry, nodeAt, type FlameTree } from "./tree";

const ZOOM_MS = 160;
const KEY_HELP =
  "Arrow down goes to the greatest callee, arrow up to the caller, left and right to its neighbours. Enter zooms in, Escape zooms out. " +
  "C copies the stack, slash searches.";

export interface FlameGraphProps {
  readonly tree: FlameTree;
  readonly rootLabel: string;
  readonly isUpward: boolean;
  readonly matches: Matches | null;
  /** The node that fills the width. */
  readonly zoom: number;
  readonly onZoom: (node: number) => void;
  /** The node that the keyboard or a click is on. */
  readonly focus: number;
  readonly onFocus: (node: number) => void;
  readonly onCopy: (node: number) => void;
  readonly onSearch: () => void;
}

function eased(progress: number): number {
  return 1 - (1 - progress) ** 3;
}

/** The flame graph itself: a canvas as large as what is visible, in a scrolling frame. */
export function FlameGraph(props: FlameGraphProps) {
  const { tree, rootLabel, isUpward, matches, zoom, onZoom, focus, onFocus } = props;
  const palette = usePalette();
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(scroller);
  const part = useRef({ from: 0, to: 1 });
  /** How far flames are scrolled up. */
  const aboveFoot = useRef(0);
  const [hover, setHover] = useState<{ node: number; clientX: number; clientY: number } | null>(null);
  const helpId = useId();

  const picture = () => ({
    tree,
    size,
    ...part.current,
    scrollTop: scroller.current?.scrollTop ?? 0,
    isUpward,
    rootLabel,
    focus,
    hover: hover?.node ?? -1,
    matches,
    palette,
  });
  const requestDraw = useFrame(() => {
    const context = canvas.current && beginDrawing(canvas.current, size);
    if (context) {
      drawFlame(context, picture());
    }
  });
  useEffect(requestDraw);

  // A zoom goes smoothly from what was visible to the node.
  useEffect(() => {
    const start = { ...part.current };
    const goal = { from: tree.left[zoom] ?? 0, to: (tree.left[zoom] ?? 0) + Math.max(tree.width[zoom] ?? 1, 1e-9) };
    const begun = performance.now();
    const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    let frame = 0;
    const step = () => {
      const progress = isStill ? 1 : Math.min(1, (performance.now() - begun) / ZOOM_MS);
      const share = eased(progress);
      part.current = { from: start.from + (goal.from - start.from) * share, to: start.to + (goal.to - start.to) * share };
      requestDraw();
      if (progress < 1) {
        frame = requestAnimationFrame(step);
      }
    };
    step();
    return () => cancelAnimationFrame(frame);
  }, [tree, zoom, requestDraw]);

  // The root of an icicle is where that of flames is not.
  useLayoutEffect(() => {
    aboveFoot.current = 0;
    if (!isUpward) {
      scroller.current?.scrollTo(0, 0);
    }
  }, [isUpward]);

  // Flames stand on their foot: another height of them, as of a trace that grows, moves nothing that is looked at.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element !== null && isUpward) {
      element.scrollTop = element.scrollHeight - element.clientHeight - aboveFoot.current;
    }
  }, [tree, isUpward, size.height]);

  const onScroll = () => {
    const element = scroller.current;
    if (element !== null) {
      aboveFoot.current = element.scrollHeight - element.clientHeight - element.scrollTop;
    }
    requestDraw();
  };

  const depthAt = (y: number) => {
    const whole = y + (scroller.current?.scrollTop ?? 0);
    return Math.floor(isUpward ? (Math.max(flameHeight(tree), size.height) - whole) / ROW_HEIGHT : whole / ROW_HEIGHT);
  };
  const nodeUnder = (x: number, y: number) => {
    const { from, to } = part.current;
    return nodeAt(tree, from + (x / size.width) * (to - from), depthAt(y));
  };
  useFlameGestures(scroller, {
    onMove: (x, y, clientX, clientY) => {
      const node = nodeUnder(x, y);
      setHover(node < 0 ? null : { node, clientX, clientY });
    },
    onLeave: () => setHover(null),
    onClick: (x, y) => {
      const node = nodeUnder(x, y);
      if (node >= 0) {
        onFocus(node);
        onZoom(node);
      }
    },
    onPan: (dx, dy) => {
      const { from, to } = part.current;
      const by = Math.min(Math.max((-dx / size.width) * (to - from), -from), 1 - to);
      part.current = { from: from + by, to: to + by };
      scroller.current?.scrollBy(0, -dy);
      requestDraw();
    },
    onZoom: (x, factor) => {
      const { from, to } = part.current;
      const at = from + (x / size.width) * (to - from);
      const width = Math.min(1, Math.max((to - from) * factor, 1e-6));
      const start = Math.min(Math.max(0, at - ((at - from) / (to - from)) * width), 1 - width);
      part.current = { from: start, to: start + width };
      requestDraw();
    },
  });

  const scrollTo = (node: number) => {
    const element = scroller.current;
    const top = rowTop(tree, tree.depth[node] ?? 0, isUpward, size.height);
    if (element !== null && (top < element.scrollTop || top + ROW_HEIGHT > element.scrollTop + size.height)) {
      element.scrollTop = top - size.height / 2;
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const move = (node: number | undefined) => {
      if (node !== undefined && node >= 0) {
        onFocus(node);
        scrollTo(node);
      }
    };
    const up = isUpward ? "ArrowDown" : "ArrowUp";
    const down = isUpward ? "ArrowUp" : "ArrowDown";
    const actions: Record<string, () => void> = {
      [down]: () => move(tree.firstChild[focus]),
      [up]: () => move(tree.parent[focus]),
      ArrowRight: () => move(tree.nextSibling[focus]),
      ArrowLeft: () => move(previousSibling(tree, focus)),
      Home: () => move(0),
      Enter: () => onZoom(focus),
      " ": () => onZoom(focus),
      Escape: () => onZoom(Math.max(0, tree.parent[zoom] ?? 0)),
      c: () => props.onCopy(focus),
      "/": props.onSearch,
    };
    const action = event.ctrlKey || event.metaKey ? undefined : actions[event.key];
    if (action !== undefined) {
      event.preventDefault();
      action();
    }
  };

  return (
    <div
      ref={scroller}
      className="flame-scroller"
      tabIndex={0}
      role="application"
      aria-roledescription="flame graph"
      aria-label={`Flame graph, ${tree.count - 1} frames. ${nodeText(tree, focus)}`}
      aria-describedby={helpId}
      onKeyDown={onKeyDown}
      onScroll={onScroll}
    >
      <canvas ref={canvas} className="flame-canvas" aria-hidden="true" />
      <div style={{ height: Math.max(0, flameHeight(tree) - size.height) }} />
      <span id={helpId} className="visually-hidden">
        {KEY_HELP}
      </span>
      {hover !== null && hover.node > 0 && hover.node < tree.count && (
        <Tooltip x={hover.clientX} y={hover.clientY}>
          <strong>{visible(nodeTitle(tree, hover.node))}</strong>
          <TooltipFacts facts={nodeFacts(tree, hover.node)} />
        </Tooltip>
      )}
    </div>
  );
}

function previousSibling(tree: FlameTree, node: number): number {
  const parent = ancestry(tree, node).at(-2);
  let at = parent === undefined ? -1 : (tree.firstChild[parent] ?? -1);
  while (at >= 0 && tree.nextSibling[at] !== node) {
    at = tree.nextSibling[at] ?? -1;
  }
  return at;
}
