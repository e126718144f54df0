#!/usr/bin/env bash
# Build the C of memlyze under the address and undefined-behaviour sanitizers, and run its tests.
set -euo pipefail
cd "$(dirname "$0")/.."

export PATH="$PWD/.venv/bin:$PATH"
build=build/sanitized

if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build" --buildtype=debug -Dnative_tests=true -Dwebui=disabled \
        -Db_sanitize=address,undefined -Db_lundef=false >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
fi
# The interpreter that the recorder is linked against never frees all of its memory.
export ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:${ASAN_OPTIONS-}"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:${UBSAN_OPTIONS-}"
meson test -C "$build" --print-errorlogs "$@"
