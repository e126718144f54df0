import { X } from "lucide-react";
import { useState } from "react";

import { useTrace } from "../data/trace";
import { visible } from "../lib/text";

/** What whoever reads any figure must know: above everything until it is closed, and in Info for good. */
export function Notices() {
  const { info } = useTrace();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const open = info.notes.filter((note) => !closed.has(note));
  if (open.length === 0) {
    return null;
  }
  return (
    <div className="notices" role="status">
      {open.map((note) => (
        <div key={note} className="notice">
          <p>{visible(note)}</p>
          <button type="button" className="button is-quiet is-icon" aria-label="Close this note" onClick={() => setClosed(new Set([...closed, note]))}>
            <X size={14} aria-hidden="true" />
          </button>
        </div>
      ))}
    </div>
  );
}
