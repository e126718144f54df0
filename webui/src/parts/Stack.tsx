import type { Frame } from "../data/forms";
import { originColour } from "../lib/origins";
import { shortFunction, shortPlace, visible } from "../lib/text";
import { isFile, useSourceLink } from "./Figures";

/** A call stack, innermost frame first, each linked to its source. */
export function Stack({ frames }: { frames: readonly Frame[] }) {
  const sourceLink = useSourceLink();
  return (
    <ol className="stack" dir="ltr">
      {frames.map((frame, index) => (
        <li key={index}>
          <span className="origin" style={{ background: `var(--${originColour(frame)})` }} title={frame.origin} />
          <span className="place">
            <span className="function">{visible(shortFunction(frame.function))}</span>{" "}
            <span className="where" title={visible(frame.file)}>
              {isFile(frame.file) ? (
                <a href={sourceLink(frame.file, frame.line)}>{shortPlace(frame.file, frame.line)}</a>
              ) : (
                shortPlace(frame.file, frame.line)
              )}
            </span>
          </span>
        </li>
      ))}
    </ol>
  );
}
