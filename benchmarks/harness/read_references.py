"""Reads a checkpoint: how long until what holds each object is known, and then for a chain."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

CHAINS = 1000


def main() -> None:
    from memlyze.analyses.chains import Speller
    from memlyze.query.session import open_trace

    request = json.loads(sys.argv[1])
    began = time.perf_counter()
    with open_trace(request["trace"]) as trace:
        speller = Speller(trace)
        trees_s = time.perf_counter() - began
        count = len(trace.heap_graph.objects()["object_id"])
        began = time.perf_counter()
        texts = [speller.way(number * (count // CHAINS)).text for number in range(CHAINS)]
        chain_s = (time.perf_counter() - began) / len(texts)
    file_bytes = Path(request["trace"]).stat().st_size
    answer = {"trees_s": trees_s, "chain_s": chain_s, "file_bytes": file_bytes}
    Path(request["result"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
