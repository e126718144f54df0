import { Moon, Sun, SunMoon } from "lucide-react";

import type { TraceEntry } from "../data/forms";
import { visible } from "../lib/text";
import { chooseTheme, useThemeChoice, type ThemeChoice } from "../lib/theme";
import { linkTo, select, useSelection } from "../selection/store";

const NEXT: Record<ThemeChoice, ThemeChoice> = { system: "light", light: "dark", dark: "system" };
const THEME_NAMES: Record<ThemeChoice, string> = { system: "as the system", light: "light", dark: "dark" };
const THEME_ICONS = { system: SunMoon, light: Sun, dark: Moon };

export function Header({ traces, trace, version }: { traces: readonly TraceEntry[]; trace?: TraceEntry | undefined; version?: string | undefined }) {
  useSelection(); // the link keeps it
  return (
    <header className="bar">
      <a className="brand" href={linkTo({ view: "timeline" })} aria-label="memlyze" title={version && `memlyze ${version}`}>
        <Logo />
        <span>memlyze</span>
      </a>
      {traces.length > 0 && (
        <div className="trace-name">
          {traces.length > 1 || trace === undefined ? (
            <select className="select" aria-label="Trace" value={trace?.id ?? ""} onChange={(event) => chooseTrace(event.target.value)}>
              {trace === undefined && (
                <option value="" disabled>
                  Choose a trace
                </option>
              )}
              {traces.map(({ id, name, state }) => (
                <option key={id} value={id}>
                  {visible(name)}
                  {state === "bad" ? " (cannot be read)" : state === "live" ? " (live)" : ""}
                </option>
              ))}
            </select>
          ) : (
            <span className="only" title={visible(trace.path)}>
              {visible(trace.name)}
            </span>
          )}
          {trace !== undefined && <StateBadge trace={trace} />}
        </div>
      )}
      <span className="command-line mono" title={visible(trace?.command_line ?? "")}>
        {visible(trace?.command_line ?? "")}
      </span>
      <ThemeButton />
    </header>
  );
}

/** Another trace has other times, threads and windows. */
function chooseTrace(id: string): void {
  select({ trace: id, range: null, zoom: null, atNs: null, processId: null, threadId: null, windowId: null, settings: { base: null } });
}

function StateBadge({ trace }: { trace: TraceEntry }) {
  switch (trace.state) {
    case "live":
      return (
        <span className="badge is-good" role="status">
          <span className="dot" aria-hidden="true" />
          Live
        </span>
      );
    case "cut_off":
      return <span className="badge is-warn">Cut off</span>;
    case "gone":
      return <span className="badge is-bad">File gone</span>;
    case "bad":
      return <span className="badge is-bad">Unreadable</span>;
    default:
      return null;
  }
}

function ThemeButton() {
  const choice = useThemeChoice();
  const Icon = THEME_ICONS[choice];
  const label = `Colours: ${THEME_NAMES[choice]}`;
  return (
    <button type="button" className="button is-quiet is-icon" aria-label={label} title={label} onClick={() => chooseTheme(NEXT[choice])}>
      <Icon size={16} strokeWidth={1.8} aria-hidden="true" />
    </button>
  );
}

/** Memory that rises in steps, and one that did not come back. */
function Logo() {
  return (
    <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
      <rect x="0" y="0" width="18" height="18" rx="5" fill="currentColor" opacity="0.16" />
      <path d="M3 13.5h2.5V10H8V6.5h2.5V11H13V4.5h2" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}
