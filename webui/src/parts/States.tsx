/** What stands in a view that has nothing to show: why, and what to do. */

import type { ReactNode } from "react";

import type { Answer } from "../data/answers";
import type { SourceError } from "../data/source";

export function Message({ title, bad = false, children }: { title: string; bad?: boolean; children?: ReactNode }) {
  return (
    <div className={`message ${bad ? "is-bad" : ""}`} role={bad ? "alert" : "status"}>
      <strong>{title}</strong>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

const TITLES: Partial<Record<SourceError["kind"], string>> = {
  unreachable: "The server is gone",
  unauthorized: "This page needs the link that the server printed",
  gone: "The trace is gone",
  trace: "The trace cannot be read",
  not_found: "There is no such thing in this trace",
};

export function ErrorMessage({ error }: { error: SourceError }) {
  const title = TITLES[error.kind] ?? "This did not work";
  return (
    <Message title={title} bad>
      {error.message}
    </Message>
  );
}

/** What an answer has to show: its data, its error, or that it is on its way. */
export function Answered<T>({ answer, children }: { answer: Answer<T>; children: (data: T) => ReactNode }) {
  if (answer.error !== null) {
    return <ErrorMessage error={answer.error} />;
  }
  return (
    <>
      <Progress active={answer.isStale || answer.isLoading} />
      {answer.data === undefined ? <Loading /> : children(answer.data)}
    </>
  );
}

/** Before the first answer; said only where it takes longer than a moment. */
export function Loading() {
  return (
    <div className="message is-loading" aria-busy="true">
      <span>Loading …</span>
    </div>
  );
}

export function Progress({ active }: { active: boolean }) {
  return <div className={`progress ${active ? "is-active" : ""}`} aria-hidden="true" />;
}
