"""Reads the greatest allocation sites of the traces of `record_repeatedly`, and removes those."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

QUERY = """
    SELECT function, file, line, bytes, bytes_error, samples, too_few_samples
    FROM hotspots(site := 'innermost')
"""
#: Enough for the ten greatest of the exact recording to be among them.
SITES_READ = 2000


def sites_of(trace: Any) -> dict[str, dict[str, Any]]:
    """The sites by name, with what is shown of each."""
    relation = trace.sql(f"{QUERY} LIMIT {SITES_READ}")
    found = {}
    for function, file, line, size, error, samples, too_few in relation.fetchall():
        found[f"{file}:{line} {function}"] = {
            "bytes": size,
            "bytes_error": error,
            "samples": samples,
            "too_few_samples": too_few,
        }
    return found


def main() -> None:
    from memlyze.query.session import open_trace

    request = json.loads(sys.argv[1])
    answers = []
    for number, recording in enumerate(request["recordings"]):
        path = Path(request["folder"]) / f"recording-{number}.mlyze"
        with open_trace(path) as trace:
            answers.append({"label": recording["label"], "sites": sites_of(trace)})
        path.unlink()
    Path(request["result"]).write_text(json.dumps({"recordings": answers}), encoding="utf-8")


if __name__ == "__main__":
    main()
