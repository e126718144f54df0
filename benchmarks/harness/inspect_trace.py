"""Opens a trace with memlyze and answers with its metadata and with the rows of SQL queries.

A process of its own, so that neither the measured program nor the runner carries the reader.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memlyze.query.session import Trace


def main() -> None:
    from memlyze.query.session import open_trace

    request = json.loads(sys.argv[1])
    answer: dict[str, Any] = {}
    with open_trace(request["trace"]) as trace:
        metadata = trace.metadata
        answer["metadata"] = {name: metadata.get(name) for name in request["metadata"]}
        answer["is_complete"] = trace.is_complete
        answer["rows"] = [trace.sql(query).fetchall() for query in request["queries"]]
        answer["heap_graph_bytes"] = _heap_graph_bytes(trace)
    answer["trace_bytes"] = os.path.getsize(request["trace"])
    Path(request["result"]).write_text(json.dumps(answer), encoding="utf-8")


def _heap_graph_bytes(trace: Trace) -> int:
    """What checkpoints take of the file: they go with the objects that there are, not with what is
    allocated and freed.
    """
    (file,) = trace.files
    return sum(
        counts.stored_bytes
        for name, counts in file.block_counts.items()
        if name.startswith(("object", "checkpoints"))
    )


if __name__ == "__main__":
    main()
