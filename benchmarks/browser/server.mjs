/** `memlyze serve`, started and ended as a person does it. */

import { spawn } from "node:child_process";
import { resolve } from "node:path";

import { ROOT } from "./chromium.mjs";

const MEMLYZE = process.env.MEMLYZE ?? resolve(ROOT, ".venv/bin/memlyze");

/** The process, and the URL that it prints. */
export async function serve(trace) {
  const server = spawn(MEMLYZE, ["serve", "--no-browser", trace], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((found, failed) => {
    let told = "";
    server.stdout.on("data", (chunk) => {
      told += chunk;
      const match = /http:\/\/\S+/.exec(told);
      if (match) found(match[0]);
    });
    server.on("exit", (status) => failed(new Error(`memlyze serve ended with status ${status}`)));
  });
  return { server, url };
}

export async function end(server) {
  server.removeAllListeners("exit");
  const ended = new Promise((done) => server.once("exit", done));
  server.kill("SIGINT");
  await ended;
}
