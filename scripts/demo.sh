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
say "No session is open, so what grew? What never comes back, since when, how fast, and who holds it:"
run "memlyze leaks --sites 1 $trace"
say "Where all the memory went:"
run "memlyze summary $trace"
say "Anything else, in SQL. Which requests leave it behind? (The service names them with memlyze.window.)"
run "memlyze query '
    SELECT name, windows, round(allocated_bytes / 1e6, 1) AS allocated_mb, round(live_bytes / 1e6, 1) AS live_mb
    FROM windows_by_name() WHERE windows > 0 ORDER BY live_bytes DESC' $trace"
say "What could be asked: memlyze query --schema. To look at it: .venv/bin/memlyze serve $trace"
