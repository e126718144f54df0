#!/usr/bin/env bash
# Record a small service that leaks, and explain its memory: what the README shows.
set -euo pipefail
cd "$(dirname "$0")/.."

export PATH="$PWD/.venv/bin:$PATH"
trace=build/demo/trace.mlyze
mkdir -p "$(dirname "$trace")"

say() { printf '\n\033[3m%s\033[0m\n' "$1"; }

run() {
    printf '\n\033[1m$ %s\033[0m\n' "$1"
    eval "$1"
}

run "memlyze record --quiet --force -o $trace examples/leaking_service.py"
run "memlyze summary $trace"
say "What is still there at the end, and who asked for it?"
run "memlyze query '
    SELECT function, line, round(live_bytes / 1e6, 1) AS live_mb, round(live_bytes_error / 1e6, 1) AS \"±\", samples
    FROM hotspots() ORDER BY live_bytes DESC LIMIT 3' $trace"
say "Which requests leave it behind? (The service names them with memlyze.window.)"
run "memlyze query '
    SELECT name, windows, round(allocated_bytes / 1e6, 1) AS allocated_mb, round(live_bytes / 1e6, 1) AS live_mb
    FROM windows_by_name() ORDER BY live_bytes DESC' $trace"
say "What else could be asked: memlyze query --schema. An interactive prompt: memlyze query $trace"
