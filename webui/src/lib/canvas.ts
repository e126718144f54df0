/** A canvas that is as sharp as the screen, and drawn at most once a frame. */

import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

export const CANVAS_FONT = '"Inter", system-ui, sans-serif';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of an element in CSS pixels, whenever it changes. */
export function useSize(ref: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) {
      return;
    }
    const measure = () => {
      const { clientWidth, clientHeight } = element;
      setSize((old) => (old.width === clientWidth && old.height === clientHeight ? old : { width: clientWidth, height: clientHeight }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

/** The context of a canvas that covers `size`, cleared, in units of CSS pixels. */
export function beginDrawing(canvas: HTMLCanvasElement, { width, height }: Size): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  const [pixelWidth, pixelHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
    canvas.width = pixelWidth;
    canvas.height = pixelHeight;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** A function that asks for `draw` in the next frame; many calls before it are one. */
export function useFrame(draw: () => void): () => void {
  const latest = useRef(draw);
  const pending = useRef(0);
  useLayoutEffect(() => {
    latest.current = draw;
  });
  useEffect(() => () => cancelAnimationFrame(pending.current), []);
  return useCallback(() => {
    cancelAnimationFrame(pending.current);
    pending.current = requestAnimationFrame(() => latest.current());
  }, []);
}

/** As much of a text as fits, with an ellipsis for the rest; empty where not even that would say anything. */
export function fitText(context: CanvasRenderingContext2D, text: string, width: number, characterWidth: number): string {
  if (text.length * characterWidth <= width || context.measureText(text).width <= width) {
    return text;
  }
  let length = Math.min(text.length, Math.floor(width / characterWidth) + 4);
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) {
    length -= 1;
  }
  return length < 2 ? "" : `${text.slice(0, length)}…`;
}
