import { useAnswer } from "../data/answers";
import { useTrace } from "../data/trace";
import { shortPath, visible, visibleCode } from "../lib/text";
import { useSourceLink } from "./Figures";
import "./code.css";

const AROUND = 3;

/** A line of the program with those around it; where it cannot be shown, why. */
export function CodeExcerpt({ file, line }: { file: string; line: number }) {
  const { trace } = useTrace();
  const sourceLink = useSourceLink();
  const { data, error, isStale } = useAnswer("source", { trace: trace.id, file });
  const lines = isStale ? undefined : data?.lines;
  const first = Math.max(1, line - AROUND);
  return (
    <figure className="excerpt">
      <figcaption>
        <a href={sourceLink(file, line)} title={visible(file)}>
          {shortPath(visible(file))}:{line}
        </a>
        {!isStale && data !== undefined && data.state === "changed" && <span className="badge is-warn">changed since</span>}
      </figcaption>
      {lines ? (
        <pre className="code" tabIndex={0} aria-label={`${shortPath(file)} around line ${line}`}>
          {lines.slice(first - 1, line + AROUND).map((text, index) => (
            <span key={first + index} className={first + index === line ? "code-line is-current" : "code-line"}>
              <span className="code-number">{first + index}</span>
              {visibleCode(text) || " "}
            </span>
          ))}
        </pre>
      ) : (
        <p className="quiet">{error?.message ?? (isStale ? "" : (data?.reason ?? ""))}</p>
      )}
    </figure>
  );
}
