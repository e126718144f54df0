/** Mouse, trackpad and touch on the flame graph, as what they mean. */

import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";

export interface FlameGestures {
  onMove(x: number, y: number, clientX: number, clientY: number): void;
  onLeave(): void;
  onClick(x: number, y: number): void;
  onPan(dx: number, dy: number): void;
  onZoom(x: number, factor: number): void;
}

const CLICK_PX = 4;
const WHEEL_RATE = 0.01;

export function useFlameGestures(ref: RefObject<HTMLElement | null>, gestures: FlameGestures): void {
  const latest = useRef(gestures);
  useLayoutEffect(() => {
    latest.current = gestures;
  });
  useEffect(() => {
    const element = ref.current;
    if (element === null) {
      return;
    }
    let start: { x: number; y: number; moved: boolean } | null = null;
    const position = (event: MouseEvent) => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const down = (event: PointerEvent) => {
      if (event.button === 0) {
        start = { ...position(event), moved: false };
      }
    };
    const move = (event: PointerEvent) => {
      const { x, y } = position(event);
      // A finger scrolls by itself.
      if (start !== null && event.pointerType !== "touch" && (start.moved || Math.hypot(x - start.x, y - start.y) > CLICK_PX)) {
        element.setPointerCapture(event.pointerId);
        latest.current.onPan(x - start.x, y - start.y);
        start = { x, y, moved: true };
      }
      latest.current.onMove(x, y, event.clientX, event.clientY);
    };
    const up = (event: PointerEvent) => {
      const { x, y } = position(event);
      if (start !== null && !start.moved && event.type === "pointerup" && x < element.clientWidth) {
        latest.current.onClick(x, y);
      }
      start = null;
    };
    const wheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        latest.current.onZoom(position(event).x, Math.exp(event.deltaY * WHEEL_RATE));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        latest.current.onPan(-(event.deltaX || event.deltaY), 0);
      }
    };
    const leave = () => latest.current.onLeave();
    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", up);
    element.addEventListener("pointerleave", leave);
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", up);
      element.removeEventListener("pointercancel", up);
      element.removeEventListener("pointerleave", leave);
      element.removeEventListener("wheel", wheel);
    };
  }, [ref]);
}
