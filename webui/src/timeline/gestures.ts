/** Mouse, trackpad, touch and keyboard on the time line, as what they mean. */

import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";

export interface TimeGestures {
  /** Moment at a horizontal position of the element, in CSS pixels. */
  timeAt(x: number): number;
  /** Nanoseconds of one pixel. */
  nsPerPixel(): number;
  /** Whether a drag that begins here moves the picture; otherwise it brushes. */
  pansAt(x: number, y: number): boolean;
  /** Where a brush that begins here has its other end: near an edge of the brushed range, at the other edge. */
  anchorAt(x: number): number | null;
  onBrush(aNs: number, bNs: number, isFinal: boolean): void;
  onClick(timeNs: number, x: number, y: number): void;
  onDoubleClick(): void;
  onHover(at: { x: number; y: number; clientX: number; clientY: number } | null): void;
  onZoom(aroundNs: number, factor: number): void;
  onPan(byNs: number): void;
}

const CLICK_PX = 4;
const LONG_PRESS_MS = 350;
/** How much one step of a wheel zooms. */
const WHEEL_RATE = 0.0022;

type Drag =
  | { kind: "undecided"; x: number; y: number; timeNs: number; pans: boolean }
  | { kind: "brush"; anchorNs: number }
  | { kind: "pan"; x: number };

export function useTimeGestures(ref: RefObject<HTMLElement | null>, gestures: TimeGestures): void {
  const latest = useRef(gestures);
  useLayoutEffect(() => {
    latest.current = gestures;
  });
  useEffect(() => {
    const element = ref.current;
    if (element === null) {
      return;
    }
    const pointers = new Map<number, number>();
    let drag: Drag | null = null;
    let longPress = 0;

    const position = (event: { clientX: number; clientY: number }) => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };

    const down = (event: PointerEvent) => {
      if (event.button > 1) {
        return;
      }
      const { x, y } = position(event);
      element.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, x);
      window.clearTimeout(longPress);
      if (pointers.size > 1) {
        drag = null; // a pinch
        return;
      }
      const isTouch = event.pointerType === "touch";
      const pans = isTouch || event.button === 1 || event.shiftKey || latest.current.pansAt(x, y);
      const anchorNs = pans ? null : latest.current.anchorAt(x);
      const timeNs = latest.current.timeAt(x);
      drag = anchorNs === null ? { kind: "undecided", x, y, timeNs, pans } : { kind: "brush", anchorNs };
      if (isTouch) {
        longPress = window.setTimeout(() => {
          drag = { kind: "brush", anchorNs: timeNs };
          latest.current.onBrush(timeNs, timeNs + 4 * latest.current.nsPerPixel(), false);
        }, LONG_PRESS_MS);
      }
    };

    const pinch = (event: PointerEvent, x: number) => {
      const others = [...pointers].filter(([id]) => id !== event.pointerId);
      const before = pointers.get(event.pointerId);
      const other = others[0]?.[1];
      pointers.set(event.pointerId, x);
      if (before === undefined || other === undefined) {
        return;
      }
      const [wide, now] = [Math.abs(before - other), Math.abs(x - other)];
      if (wide > 8 && now > 8) {
        latest.current.onZoom(latest.current.timeAt((x + other) / 2), wide / now);
      }
    };

    const move = (event: PointerEvent) => {
      const { x, y } = position(event);
      latest.current.onHover({ x, y, clientX: event.clientX, clientY: event.clientY });
      if (pointers.size > 1) {
        pinch(event, x);
        return;
      }
      if (drag === null) {
        return;
      }
      if (drag.kind === "undecided") {
        if (Math.hypot(x - drag.x, y - drag.y) < CLICK_PX) {
          return;
        }
        window.clearTimeout(longPress);
        drag = drag.pans ? { kind: "pan", x: drag.x } : { kind: "brush", anchorNs: drag.timeNs };
      }
      if (drag.kind === "pan") {
        latest.current.onPan((drag.x - x) * latest.current.nsPerPixel());
        drag.x = x;
      } else {
        latest.current.onBrush(drag.anchorNs, latest.current.timeAt(x), false);
      }
    };

    const up = (event: PointerEvent) => {
      const { x, y } = position(event);
      window.clearTimeout(longPress);
      const wasPinch = pointers.size > 1;
      pointers.delete(event.pointerId);
      const ended = drag;
      drag = null;
      if (wasPinch || ended === null || event.type === "pointercancel") {
        return;
      }
      if (ended.kind === "brush") {
        latest.current.onBrush(ended.anchorNs, latest.current.timeAt(x), true);
      } else if (ended.kind === "undecided") {
        latest.current.onClick(ended.timeNs, x, y);
      }
    };

    const wheel = (event: WheelEvent) => {
      const { x } = position(event);
      // A wheel that counts lines instead of pixels.
      const unit = event.deltaMode === 0 ? 1 : 30;
      const [sideways, down] = [event.deltaX * unit, event.deltaY * unit];
      const pans = event.shiftKey || Math.abs(sideways) > Math.abs(down);
      event.preventDefault();
      if (pans) {
        latest.current.onPan((Math.abs(sideways) > Math.abs(down) ? sideways : down) * latest.current.nsPerPixel());
      } else {
        // A pinch on a trackpad comes as small steps with Ctrl.
        latest.current.onZoom(latest.current.timeAt(x), Math.exp(down * WHEEL_RATE * (event.ctrlKey ? 4 : 1)));
      }
    };

    const leave = () => latest.current.onHover(null);
    const doubleClick = () => latest.current.onDoubleClick();

    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", up);
    element.addEventListener("pointerleave", leave);
    element.addEventListener("dblclick", doubleClick);
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      window.clearTimeout(longPress);
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", up);
      element.removeEventListener("pointercancel", up);
      element.removeEventListener("pointerleave", leave);
      element.removeEventListener("dblclick", doubleClick);
      element.removeEventListener("wheel", wheel);
    };
  }, [ref]);
}
