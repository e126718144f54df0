/** Records the traces, serves them, and tells the tests where. */

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

import { MEMLYZE, ROOT, whatIsMissing } from "./environment";

declare module "vitest" {
  interface ProvidedContext {
    /** What the page is opened with; empty: there is nothing to test with. */
    url: string;
    /** Folder of the traces. */
    folder: string;
  }
}

const PROGRAMS = resolve(import.meta.dirname, "../programs");

export function record(output: string, ...options: string[]): void {
  execFileSync(MEMLYZE, ["record", "--quiet", "-o", output, ...options], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
}

/** Starts `memlyze serve`; its URL, and how to end it. */
export async function serve(...traces: string[]): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = spawn(MEMLYZE, ["serve", "--no-browser", ...traces], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((done) => server.once("exit", () => done()));
  let told = "";
  const url = await new Promise<string>((found, failed) => {
    const read = (chunk: Buffer) => {
      told += chunk.toString();
      const match = /http:\/\/\S+/.exec(told);
      if (match !== null) {
        found(match[0]);
      }
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.once("exit", (status) => failed(new Error(`memlyze serve ended with ${status}: ${told}`)));
  });
  const stop = async () => {
    server.kill("SIGINT");
    await ended;
  };
  return { url, stop };
}

/** The same trace with a byte here and there that is another. */
function damaged(trace: Buffer): Buffer {
  for (let at = 2000; at < trace.length; at += 997) {
    trace[at] = ~(trace[at] ?? 0);
  }
  return trace;
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const missing = whatIsMissing();
  if (missing !== undefined) {
    console.warn(`\nThe tests in a browser are skipped: ${missing}\n`);
    project.provide("url", "");
    project.provide("folder", "");
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "memlyze-page-"));
  record(join(folder, "spikes.mlyze"), "--sample-rate", "1.0", join(PROGRAMS, "spikes.py"));
  record(join(folder, "plateau.mlyze"), join(PROGRAMS, "plateau.py"));
  record(join(folder, "service.mlyze"), join(ROOT, "examples/leaking_service.py"));
  record(join(folder, "hostile.mlyze"), "--sample-rate", "1.0", join(PROGRAMS, "hostile.py"));
  record(join(folder, "processes.mlyze"), "--sample-rate", "1.0", join(PROGRAMS, "processes.py"));
  record(join(folder, "let_go.mlyze"), "--sample-rate", "1.0", join(PROGRAMS, "let_go.py"));
  record(join(folder, "brief.mlyze"), "--sample-interval", "1G", "-c", "pass");
  writeFileSync(join(folder, "cut.mlyze"), readFileSync(join(folder, "let_go.mlyze")).subarray(0, 60));
  writeFileSync(join(folder, "not-a-trace.mlyze"), "this is no trace");
  writeFileSync(join(folder, "damaged.mlyze"), damaged(readFileSync(join(folder, "spikes.mlyze"))));
  const { url, stop } = await serve(folder);
  project.provide("url", url);
  project.provide("folder", folder);
  return async () => {
    await stop();
    rmSync(folder, { recursive: true });
  };
}
