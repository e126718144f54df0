import { Link2, X } from "lucide-react";
import { useState, type ReactNode } from "react";

import { useAnswer } from "../data/answers";
import { useTrace } from "../data/trace";
import { visible } from "../lib/text";
import { formatDuration, formatMoment } from "../lib/units";
import { select, useSelection } from "../selection/store";
import { WINDOW_BUCKETS } from "../windows/buckets";

/** What all views show: the range, the cursor, the process, the thread and the window. Each can be taken back. */
export function SelectionBar() {
  const { info } = useTrace();
  const { range, atNs, processId, threadId, windowId } = useSelection();
  const isOneProcess = info.processes.length < 2 || processId !== null;
  const resolution = (range ? range.toNs - range.fromNs : info.duration_ns) / 100;
  return (
    <div className="selection-bar" role="group" aria-label="Selection">
      {range === null ? (
        <span className="chip">Whole recording, {formatDuration(info.duration_ns)}</span>
      ) : (
        <Chip label="range" onClear={() => select({ range: null })}>
          {formatMoment(range.fromNs, resolution)} – {formatMoment(range.toNs, resolution)}
          <span>({formatDuration(range.toNs - range.fromNs)})</span>
        </Chip>
      )}
      {atNs !== null && (
        <Chip label="cursor" onClear={() => select({ atNs: null })}>
          at {formatMoment(atNs, resolution)}
        </Chip>
      )}
      {(info.processes.length > 1 || processId !== null) && (
        <Filter
          label="Process"
          value={processId}
          options={info.processes.map((process) => [process.process_id, `${process.process_id}: ${visible(process.command_line) || "process"}`])}
          onChange={(processId) => select({ processId, threadId: null })}
        />
      )}
      {(info.threads.length > 1 || threadId !== null) && (
        <Filter
          label="Thread"
          value={threadId}
          options={info.threads
            .filter((thread) => processId === null || thread.process_id === processId)
            .map((thread) => [thread.thread_id, `${visible(thread.name ?? "") || `Thread ${thread.thread_id}`}${isOneProcess ? "" : ` of ${thread.process_id}`}`])}
          onChange={(threadId) => select({ threadId })}
        />
      )}
      {windowId !== null && (
        <Chip label="window" onClear={() => select({ windowId: null })}>
          <WindowName windowId={windowId} />
        </Chip>
      )}
      <span style={{ flex: 1 }} />
      <CopyLink />
    </div>
  );
}

function WindowName({ windowId }: { windowId: number }) {
  const { trace } = useTrace();
  const { data } = useAnswer("windows/{window_id}", { window_id: windowId, trace: trace.id, buckets: WINDOW_BUCKETS });
  return (
    <>
      {data !== undefined && data.window_id === windowId ? visible(data.name) : "window"} <span>({windowId})</span>
    </>
  );
}

function Chip({ label, onClear, children }: { label: string; onClear: () => void; children: ReactNode }) {
  return (
    <span className="chip is-set">
      {children}
      <button type="button" aria-label={`Clear the ${label}`} onClick={onClear}>
        <X size={12} aria-hidden="true" />
      </button>
    </span>
  );
}

function Filter({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: number | null;
  options: readonly (readonly [number, string])[];
  onChange: (value: number | null) => void;
}) {
  return (
    <span className={`chip ${value === null ? "" : "is-set"}`}>
      <select
        aria-label={label}
        value={value ?? ""}
        onChange={(event) => onChange(event.target.value === "" ? null : Number(event.target.value))}
      >
        <option value="">All {label === "Process" ? "processes" : `${label.toLowerCase()}s`}</option>
        {options.map(([id, text]) => (
          <option key={id} value={id}>
            {text}
          </option>
        ))}
        {value !== null && options.every(([id]) => id !== value) && (
          <option value={value}>
            {label} {value}, not in this trace
          </option>
        )}
      </select>
    </span>
  );
}

function CopyLink() {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(window.location.href);
    setIsCopied(true);
    window.setTimeout(() => setIsCopied(false), 1500);
  };
  return (
    <button type="button" className="button is-quiet" onClick={() => void copy()} title="A link that shows the same selection">
      <Link2 size={14} aria-hidden="true" />
      <span aria-live="polite">{isCopied ? "Copied" : "Copy link"}</span>
    </button>
  );
}
