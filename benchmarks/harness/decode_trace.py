"""Decodes the allocations of a trace into columns, and tells how long that alone took."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    from memlyze.trace.reader import TraceFile

    request = json.loads(sys.argv[1])
    with TraceFile(request["trace"]) as trace:
        metadata = trace.metadata
        events = metadata["allocations_recorded"] + metadata["frees_recorded"]
        wall_start = time.perf_counter()
        cpu_start = time.process_time()
        columns = trace.table("allocations")
        cpu_s = time.process_time() - cpu_start
        wall_s = time.perf_counter() - wall_start
        rows = len(columns["size"])
    answer = {"events": events, "rows": rows, "wall_s": wall_s, "cpu_s": cpu_s}
    Path(request["result"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
