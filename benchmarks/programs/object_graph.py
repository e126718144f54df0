"""A heap of so many objects, one of which is looked for: how long the program stands still for a
checkpoint, and how long objgraph needs for one chain on the same heap.

    python object_graph.py OBJECTS SHAPE memlyze TRACE
    python object_graph.py OBJECTS SHAPE objgraph

Prints one JSON object. Of ten objects one is an instance, one its list, one the key that leads to
it, the others strings, tuples, numbers and dicts, as in a service's store of sessions. In the shape
`tree` nothing refers back; in `linked` each session knows its store and its neighbours.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from typing import Any


class Session:
    def __init__(self, number: int) -> None:
        self.user = f"user {number}"
        self.number = number + 1000.5
        self.history: list[Any] = [(number, number + 0.5), f"page {number}"]
        self.state = {"last": f"seen {number}"}


class Store:
    def __init__(self, objects: int, *, is_linked: bool) -> None:
        self.sessions = {f"u{number}": Session(number) for number in range(objects // 10)}
        if is_linked:
            listed = list(self.sessions.values())
            for before, after in zip(listed, listed[1:]):
                before.after, after.before = after, before  # type: ignore[attr-defined]
                before.store = self  # type: ignore[attr-defined]


STORE: list[Any] = []


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def with_memlyze(path: str) -> dict[str, Any]:
    import memlyze

    tracer = memlyze.start(path, force=True)
    before = peak_bytes()
    taken = memlyze.checkpoint()
    assert taken is not None
    tracer.options.references = False  # only this one is measured
    began = time.perf_counter()
    memlyze.stop()
    return {
        "objects": taken.objects,
        "references": taken.references,
        "pause_s": taken.pause_ns / 1e9,
        "stop_s": time.perf_counter() - began,
        "more_bytes": peak_bytes() - before,
    }


def with_objgraph() -> dict[str, Any]:
    import objgraph  # type: ignore[import-not-found, import-untyped, unused-ignore]

    sessions = list(STORE[0].sessions.values())
    target = sessions[len(sessions) // 2].history
    del sessions
    gc.collect()
    began = time.perf_counter()
    chain = objgraph.find_backref_chain(target, objgraph.is_proper_module)
    return {"objgraph_s": time.perf_counter() - began, "links": len(chain)}


def main() -> None:
    STORE.append(Store(int(sys.argv[1]), is_linked=sys.argv[2] == "linked"))
    taken = with_objgraph() if sys.argv[3] == "objgraph" else with_memlyze(sys.argv[4])
    print(json.dumps(taken))


if __name__ == "__main__":
    main()
