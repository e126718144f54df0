"""The sums that are taken in C are those that SQL over the public views gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest
from known_trace import MS, known_trace, write_known_trace
from synthetic_trace import synthetic_trace

import memlyze
from memlyze._speedups import _event_sums
from memlyze.analyses.event_sums import HELD, LIVE, MAPPED, TEMPORARY, event_sums
from memlyze.analyses.live_series import live_series
from memlyze.analyses.selection import END_NS, Selection, choose
from memlyze.query.session import Trace
from memlyze.trace import trace_file
from memlyze.trace.reader import TraceFile

SQL = """
WITH told AS (
    SELECT
        coalesce(stack_id, 0) AS stack_id,
        CASE $by
            WHEN 'thread' THEN thread_id WHEN 'process' THEN process_id
            WHEN 'window' THEN coalesce(window_id, 0) ELSE 0
        END AS group_id,
        (freed_ns IS NULL)::INT * 1
        + (
            time_ns <= $moment AND (freed_ns IS NULL OR freed_ns > $moment)
            AND ($moment = 9223372036854775807 OR process_id NOT IN
                (SELECT process_id FROM _ended_processes WHERE end_ns < $moment))
        )::INT * 2
        + coalesce(freed_ns - time_ns <= $soon, false)::INT * 4
        + (allocator = 'mmap')::INT * 8 AS classes,
        weight,
        bytes,
        size::DOUBLE * bytes * (weight - 1) AS variance,
        coalesce(freed_ns - time_ns, 0) AS lifetime_ns
    FROM allocations
    WHERE time_ns >= $start AND time_ns < $stop AND ($thread IS NULL OR thread_id = $thread)
)
SELECT
    stack_id, group_id, classes & $told AS classes, count(*), sum(bytes), sum(variance),
    sum(weight), sum(weight * (weight - 1)), sum(weight * lifetime_ns)
FROM told WHERE classes & $wanted = $wanted
GROUP BY ALL ORDER BY ALL
"""
COLUMNS = ("samples", "bytes", "variance", "allocations", "allocations_variance", "lifetimes_ns")
KINDS = ("exact", "sampled", "processes", "many", "many sampled")
QUESTIONS: list[dict[str, Any]] = [
    {},
    {"selection": (2, 6), "told": HELD, "moment": 5},
    {"told": LIVE | HELD | TEMPORARY, "moment": 4, "soon": 2},
    {"wanted": HELD, "moment": 5},
    {"wanted": HELD, "moment": None},
    {"wanted": TEMPORARY, "soon": 3, "by": "thread"},
    {"selection": (0, 7), "by": "window", "told": HELD, "moment": 6},
    {"by": "process", "told": HELD, "moment": 9},
    {"thread": True, "wanted": HELD | LIVE, "moment": 8},
    {"told": MAPPED | HELD, "moment": 8},
]


@pytest.fixture(scope="module", params=KINDS)
def trace(request: Any, tmp_path_factory: Any) -> Iterator[Trace]:
    """Traces of each kind: exact and sampled ones, of two processes, and of several chunks."""
    folder: Path = tmp_path_factory.mktemp("sums")
    paths = [folder / "t.mlyze"]
    if request.param == "processes":
        paths.append(folder / "u.mlyze")
        known_trace(process_id=8).write(paths[1])
    if request.param.startswith("many"):
        sampling = {"interval_bytes": 400.0, "rate": 0.01} if "sampled" in request.param else {}
        synthetic_trace(150_000, stacks=3000, **sampling).write(paths[0])
    else:
        write_known_trace(paths[0], sampled=request.param == "sampled")
    with memlyze.open(*paths) as opened:
        yield opened


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_sums_are_those_of_sql(question: dict[str, Any], trace: Trace) -> None:
    last_ns = int(trace.table("allocations")["time_ns"].max())
    unit = max(MS, last_ns // 10)
    start, stop = (unit * bound for bound in question.get("selection", (0, END_NS // unit)))
    moment = question.get("moment", 0)
    moment_ns = END_NS if moment is None else moment * unit
    thread = int(trace.table("threads")["thread_id"][0]) if "thread" in question else None
    told, wanted = question.get("told", 0), question.get("wanted", 0)
    soon, by = question.get("soon", 0) * unit, question.get("by")
    expected = trace.sql(
        SQL,
        {
            "by": by,
            "moment": moment_ns,
            "soon": soon,
            "start": start,
            "stop": stop,
            "thread": thread,
            "told": told,
            "wanted": wanted,
        },
    ).fetchall()
    found = event_sums(
        trace,
        choose(trace, Selection(from_ns=start, to_ns=stop, thread=thread)),
        group=by,
        moment_ns=moment_ns,
        temporary_ns=soon,
        told_apart=told,
        wanted=wanted,
    )
    assert expected
    ids = np.array([row[:3] for row in expected])
    for place, name in enumerate(("stack_id", "group_id", "classes")):
        np.testing.assert_array_equal(found[name], ids[:, place])
    for place, name in enumerate(COLUMNS, start=3):
        values = np.array([row[place] for row in expected], dtype=float)
        np.testing.assert_allclose(found[name], values, rtol=1e-9)


@pytest.mark.parametrize("group", [None, "window"])
@pytest.mark.parametrize(
    "question",
    [
        {},
        {"wanted": HELD, "moment_ns": 5 * MS},
        {"wanted": HELD},  # at the end: what is live
        {"told_apart": LIVE | TEMPORARY, "temporary_ns": 3 * MS},
        {"wanted": LIVE, "told_apart": HELD | MAPPED, "moment_ns": 5 * MS},
    ],
    ids=str,
)
def test_what_an_earlier_answer_tells_is_not_summed_up_again(
    question: dict[str, Any], group: str | None, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = LIVE | HELD | TEMPORARY | MAPPED
    with memlyze.open(trace.paths) as fresh:
        expected = event_sums(fresh, choose(fresh, Selection()), group=group, **question)
    with memlyze.open(trace.paths) as asked:
        chosen = choose(asked, Selection())
        event_sums(
            asked, chosen, group=group, moment_ns=5 * MS, temporary_ns=3 * MS, told_apart=everything
        )
        monkeypatch.setattr(_event_sums, "sum_events", None)
        found = event_sums(asked, chosen, group=group, **question)
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        np.testing.assert_allclose(found[name], column, rtol=1e-9)


@pytest.mark.parametrize(
    "question",
    [
        {"wanted": HELD, "moment_ns": 6 * MS},
        {"told_apart": TEMPORARY, "temporary_ns": 2 * MS},
        {"told_apart": MAPPED},
    ],
    ids=str,
)
def test_what_an_earlier_answer_does_not_tell_is_summed_up(
    question: dict[str, Any], trace: Trace
) -> None:
    with memlyze.open(trace.paths) as fresh:
        expected = event_sums(fresh, choose(fresh, Selection()), **question)
    with memlyze.open(trace.paths) as asked:
        chosen, told_apart = choose(asked, Selection()), LIVE | HELD | TEMPORARY
        event_sums(asked, chosen, moment_ns=5 * MS, temporary_ns=3 * MS, told_apart=told_apart)
        found = event_sums(asked, chosen, **question)
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column)


def test_halves_of_many_rows_are_summed_up_to_the_same(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"group": "window", "told_apart": LIVE | TEMPORARY}
    at_once = event_sums(trace, choose(trace, Selection()), **asked)
    monkeypatch.setattr("memlyze.query.halves._MANY_ROWS", 1)
    with memlyze.open(trace.paths) as again:
        in_halves = event_sums(again, choose(again, Selection()), **asked)
    assert in_halves.keys() == at_once.keys()
    for name, column in at_once.items():
        np.testing.assert_allclose(in_halves[name], column, rtol=1e-9)


@pytest.mark.parametrize("kind", ["exact", "sampled"])
def test_sums_of_a_trace_that_grows_are_those_of_one_opened_anew(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_file, "is_being_written", lambda descriptor, metadata: True)
    summed: list[int] = []
    sum_events = _event_sums.sum_events
    monkeypatch.setattr(
        _event_sums,
        "sum_events",
        lambda columns, *more, **asked: (
            summed.append(len(columns["size"])) or sum_events(columns, *more, **asked)
        ),
    )
    whole, path = tmp_path / "whole.mlyze", tmp_path / "t.mlyze"
    sampling = {"interval_bytes": 400.0, "rate": 0.01} if kind == "sampled" else {}
    synthetic_trace(100_000, stacks=300, events_per_block=3000, **sampling).write(whole)
    content = whole.read_bytes()
    with TraceFile(whole) as file:
        last_ns = int(file.table("allocations")["time_ns"].max())
    path.write_bytes(content[: len(content) // 2])

    def asked(trace: Trace) -> list[dict[str, Any]]:
        everything, early = choose(trace, Selection()), choose(trace, Selection(to_ns=last_ns // 3))
        return [
            event_sums(trace, everything, told_apart=LIVE | TEMPORARY, temporary_ns=MS),
            event_sums(trace, everything, told_apart=HELD, moment_ns=last_ns // 2),
            event_sums(trace, everything, group="free", by_stack=False),
            event_sums(trace, everything, group="birth", by_stack=False),
            event_sums(trace, early, wanted=HELD),
        ]

    with memlyze.open(path) as growing:
        asked(growing)
        for share in (0.6, 0.61, 0.8, 1):
            with path.open("ab") as file:
                file.write(content[file.tell() : int(share * len(content))])
            assert growing.go_on()
            before = len(summed)
            found = asked(growing)
            rows = len(growing.table("allocations")["size"])
            assert not growing.is_being_written or max(summed[before:], default=0) < rows / 2
            with memlyze.open(path) as anew:
                for sums, expected in zip(found, asked(anew)):
                    for name, values in expected.items():
                        np.testing.assert_allclose(
                            sums[name], values, rtol=1e-9, atol=1e-3, err_msg=name
                        )


@pytest.mark.parametrize("within", [1, 3, 50])
def test_what_is_freed_within_some_allocations_is_that_of_sql(within: int, trace: Trace) -> None:
    expected = trace.sql(
        """
        SELECT coalesce(stack_id, 0), sum(weight) FROM allocations JOIN frees USING (allocation_id)
        WHERE made_between < ? GROUP BY ALL ORDER BY ALL
        """,
        [within],
    ).fetchall()
    found = event_sums(
        trace, choose(trace, Selection()), temporary_allocations=within, wanted=TEMPORARY
    )
    assert found["stack_id"].tolist() == [stack_id for stack_id, _ in expected]
    np.testing.assert_allclose(found["allocations"], [weight for _, weight in expected])


SERIES = """
WITH ends AS (SELECT * FROM _ended_processes),
changes AS (
    SELECT time_ns, bytes AS allocated, weight AS made, 0 AS freed, 0 AS frees, 0 AS gone
    FROM allocations WHERE thread_id >= $least
    UNION ALL
    SELECT freed_ns, 0, 0, bytes, weight, bytes FROM allocations
    WHERE freed_ns IS NOT NULL AND thread_id >= $least
    UNION ALL
    SELECT end_ns + 1, 0, 0, 0, 0, bytes FROM allocations JOIN ends USING (process_id)
    WHERE freed_ns IS NULL AND thread_id >= $least
)
SELECT time_ns, sum(allocated), sum(made), sum(freed), sum(frees), sum(allocated) - sum(gone)
FROM changes GROUP BY time_ns ORDER BY time_ns
"""


def test_what_is_live_at_each_moment_is_that_of_sql(trace: Trace) -> None:
    thread = int(trace.table("threads")["thread_id"].max())
    expected = np.array(trace.sql(SERIES, {"least": thread}).fetchall(), dtype=float)
    series = live_series(trace, Selection(thread=thread))
    np.testing.assert_array_equal(series.times_ns, expected[:, 0])
    for place, name in enumerate(("allocated_bytes", "allocations", "freed_bytes", "frees"), 1):
        np.testing.assert_allclose(series.changes[name], expected[:, place], rtol=1e-9)
    live = np.cumsum(expected[:, 5])
    np.testing.assert_allclose(series.live_bytes, live, rtol=1e-9, atol=0.5)


def test_changes_of_chosen_stacks_are_summed_up(trace: Trace) -> None:
    every = live_series(trace, Selection(function="*"))
    assert np.all(np.diff(every.times_ns) > 0)
    known = trace.sql("SELECT sum(bytes) FROM allocations WHERE stack_id IS NOT NULL").fetchall()
    assert every.changes["allocated_bytes"].sum() == pytest.approx(known[0][0])


def test_trace_without_allocations_has_no_sums(tmp_path: Path) -> None:
    golden = Path(__file__).resolve().parents[1] / "trace" / "golden" / "v1" / "empty.mlyze"
    with memlyze.open(golden) as trace:
        found = event_sums(trace, choose(trace, Selection()), told_apart=HELD)
    assert {len(column) for column in found.values()} == {0}


def test_columns_that_do_not_fit_together_are_refused() -> None:
    columns = {name: np.zeros(3, np.int64) for name in ("time_ns", "freed_ns")}
    columns.update({name: np.zeros(3, np.int32) for name in ("size", "stack_id", "thread_id")})
    columns.update(window_id=np.zeros(2, np.int32), allocator=np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match="differ in length"):
        _event_sums.chunk_times(columns)


def test_what_several_analyses_ask_is_summed_up_once(
    known: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    sum_events = _event_sums.sum_events

    def counting(*columns: Any, **question: Any) -> Any:
        passes.append(question)
        return sum_events(*columns, **question)

    monkeypatch.setattr(_event_sums, "sum_events", counting)
    chosen = choose(known, Selection())
    first = event_sums(known, chosen, told_apart=LIVE)
    assert event_sums(known, choose(known, Selection()), told_apart=LIVE) is first
    assert len(passes) == 1
    event_sums(known, choose(known, Selection(from_ns=1)), told_apart=LIVE)
    event_sums(known, chosen._replace(stack_ids=[1]), told_apart=LIVE)
    assert len(passes) == 3
