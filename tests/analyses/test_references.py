"""Chains read as a person would write them, and holders are those of what a site allocated."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Iterator

import pytest
from known_trace import known_trace
from trace_encoder import Allocation, Run

import memlyze
from memlyze.analyses.chains import Speller
from memlyze.analyses.references import References
from memlyze.query.session import Trace

PROGRAM = """
    import abc, memlyze, sys, threading
    from functools import partial

    class Session:
        registry = {}
        def __init__(self, length):
            self.history = [object() for _ in range(length)]
        def close(self):
            pass

    class Plugin(abc.ABC):
        known = {}

    class Node:
        def __init__(self, next):
            self.next = next

    def closure(length):
        captured = [None] * length
        return lambda: captured

    def generate(length):
        pending = [None] * length
        yield pending

    def leak(count):
        for number in range(count):
            SESSIONS[f"u{number}"] = Session(30)

    def spread(places):
        for place in places:
            place.append(Session(30))

    def halve(places):
        for place in places:
            place.append(Session(30))

    def main():
        batch = [None] * 4007
        memlyze.stop()
        return batch

    memlyze.start(sys.argv[1], sample_rate=1.0)
    SESSIONS = {}
    leak(50)
    MANY, FEW, HALF, OTHER_HALF = [], [], [], []
    spread([MANY] * 30 + [FEW] * 10)
    halve([HALF, OTHER_HALF] * 20)
    SESSIONS["long"] = Session(4001)
    LISTENERS = [Session(4002).close]
    Session.registry["x"] = [None] * 4003
    Plugin.known["x"] = [None] * 4013
    FUNCTION = closure(4004)
    GENERATOR = generate(4005)
    next(GENERATOR)
    HEAD = [None] * 4006
    for _ in range(700):
        HEAD = Node(HEAD)
    LOCAL = threading.local()
    PARTIAL = partial(print, {(1, "a"): [None] * 4008})
    MEMBERS = {("t", 1), frozenset([2])}
    main()
"""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trace]:
    """The recorded program."""
    folder = tmp_path_factory.mktemp("references")
    (folder / "app.py").write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    command = [sys.executable, "app.py", "trace.mlyze"]
    subprocess.run(command, cwd=str(folder), check=True, timeout=120)
    with memlyze.open(folder / "trace.mlyze") as opened:
        yield opened


def way(trace: Trace, length: int) -> Any:
    objects = trace.heap_graph.objects()
    types = trace.table("object_types")
    (list_type,) = types["type_id"][(types["name"] == "list") & (types["module"] == "builtins")]
    (row,) = ((objects["length"] == length) & (objects["type_id"] == list_type)).nonzero()[0]
    return Speller(trace).way(int(row))


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (4001, "__main__.SESSIONS → ['long'] → Session.history → list[4 001]"),
        (4002, "__main__.LISTENERS → [0] → method.__self__ → Session.history → list[4 002]"),
        (4003, "__main__.Session → __main__.Session.registry → ['x'] → list[4 003]"),
        (4013, "__main__.Plugin → __main__.Plugin.known → ['x'] → list[4 013]"),
        (
            4004,
            "__main__.FUNCTION → closure of closure.<locals>.<lambda> (app.py:21) → list[4 004]",
        ),
        (4005, "__main__.GENERATOR → generator generate (app.py:25): pending → list[4 005]"),
        (4007, "main (app.py:41): batch → list[4 007]"),
        (4008, "__main__.PARTIAL → partial.args → [0] → [(1, 'a')] → list[4 008]"),
    ],
)
def test_chain_reads_as_a_person_would_write_it(trace: Trace, length: int, text: str) -> None:
    assert way(trace, length).text == text


def test_pattern_of_a_chain_leaves_keys_and_indexes_out(trace: Trace) -> None:
    assert way(trace, 4001).pattern == "__main__.SESSIONS → […] → Session.history → list"


def test_long_chain_is_cut_short_in_the_middle(trace: Trace) -> None:
    text = way(trace, 4006).text
    assert text == "__main__ → … 683 more … → Node.next (× 20) → list[4 006]" or (
        text.startswith("__main__") and "more …" in text and text.endswith("→ list[4 006]")
    )
    assert len(text) < 200


def stacks_of(trace: Trace, function: str) -> list[int]:
    rows = trace.sql(
        "SELECT DISTINCT stack_id FROM stack_frames WHERE function LIKE ?", [f"%{function}%"]
    ).fetchall()
    return [row[0] for row in rows]


def test_holders_of_a_site_have_types_chains_and_what_holds_all(trace: Trace) -> None:
    process = trace.process_ids[0]
    found = References(trace).holders(process, stacks_of(trace, "leak"))
    assert found is not None and found.holder is not None and found.shortest is not None
    assert found.objects >= 50 * 31
    assert {kind.type for kind in found.types} >= {"object", "list"}
    assert found.holder.text == "__main__.SESSIONS → dict[51]"
    assert found.holder.retained_bytes > found.bytes
    assert found.holder.share == 1
    assert found.retained_bytes >= found.bytes
    common = found.chains[0]
    assert common.root == "module"
    assert common.text.startswith("__main__.SESSIONS → ['u")
    assert "Session.history → [" in common.text and common.share > 0.5
    assert sum(chain.share for chain in found.chains) <= 1.0001


def test_what_holds_most_is_the_holder_where_nothing_holds_all(trace: Trace) -> None:
    process = trace.process_ids[0]
    found = References(trace).holders(process, stacks_of(trace, "spread"))
    assert found is not None and found.holder is not None
    assert found.holder.text == "__main__.MANY → list[30]"
    assert found.holder.share == pytest.approx(0.75, abs=0.03)
    found = References(trace).holders(process, stacks_of(trace, "halve"))
    assert found is not None and found.holder is None


def test_what_was_freed_before_the_checkpoint_has_no_holder(trace: Trace) -> None:
    process = trace.process_ids[0]
    assert References(trace).holders(process, []) is None
    assert References(trace).holders(process, [10**6]) is None
    assert References(trace).holders(process + 1, [1]) is None


def test_blocks_of_no_object_are_counted(tmp_path: Path) -> None:
    encoder = known_trace()
    first = 9 << 16
    encoder.add_runs([Run(1, 2_000_000, first, [Allocation(77, 3), Allocation(78, 3)])])
    encoder.write(tmp_path / "t.mlyze")
    with memlyze.open(tmp_path / "t.mlyze") as opened:
        found = References(opened).holders(opened.process_ids[0], [3])
        assert found is not None
        assert (found.objects, found.blocks_without_object, found.shortest) == (0, 2, None)
        found = References(opened).holders(opened.process_ids[0], [1])
        assert found is not None and found.shortest is not None
        assert found.shortest.text == "main.SESSIONS → ['u17'] → Session"


def test_trace_without_a_checkpoint_has_no_holders(tmp_path: Path) -> None:
    from trace_encoder import TraceEncoder

    TraceEncoder({"process_id": 7}).write(tmp_path / "t.mlyze")
    with memlyze.open(tmp_path / "t.mlyze") as opened:
        references = References(opened)
        assert not references.has(7)
        assert references.holders(7, [1]) is None
        assert len(opened.heap_graph.tree()["object_id"]) == 0
