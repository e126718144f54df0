#!/usr/bin/env bash
# Record a small service that leaks, and explain its memory: what the README shows.
set -euo pipefail
cd "$(dirname "$0")/.."

export PATH="$PWD/.venv/bin:$PATH"
trace=build/demo/trace.mlyze
mkdir -p "$(dirname "$trace")"

run() {
    printf '\n\033[1m$ %s\033[0m\n' "$1"
    eval "$1"
}

run "memlyze record --force -o $trace examples/leaking_service.py"
run "memlyze summary $trace"
run "memlyze query 'SELECT function, file, line, round(sum(bytes) / 1e6, 2) AS live_mb, round(sum(weight)) AS blocks
    FROM allocations JOIN stack_frames USING (stack_id)
    WHERE freed_ns IS NULL AND depth = 0 GROUP BY ALL ORDER BY live_mb DESC LIMIT 5' $trace"
run "memlyze query 'SELECT name, count(*) AS calls, round(max(end_ns - start_ns) / 1e6, 2) AS slowest_ms
    FROM windows GROUP BY ALL ORDER BY calls DESC LIMIT 5' $trace"
