"""At sample_rate=1.0 each allocation is in the trace, once."""

from __future__ import annotations

from typing import Any

import pytest

# What an object takes beyond its payload, as the program itself can tell.
OVERHEAD = "import sys; BYTES = sys.getsizeof(b'')"


def test_each_object_of_a_site_is_counted_once(record: Any) -> None:
    done = record(
        f"""
        {OVERHEAD}
        def small():
            return [bytes(7_00 // 7 + 301) for _ in range(1000)]
        def large():
            return [bytes(20_011) for _ in range(300)]
        kept = small(), large()
        print(401 + BYTES, 20_011 + BYTES)
        """
    )
    small, large = map(int, done.stdout.split())
    trace = done.trace
    for size, count in ((small, 1000), (large, 300)):
        rows = trace.allocations(size)
        assert len(rows) == count
        assert {row.weight for row in rows} == {1.0}
        assert {row.allocator for row in rows} == {"object"}
    trace.check_sound()


def test_object_above_the_small_object_limit_is_not_counted_again_as_raw(record: Any) -> None:
    done = record(
        f"""
        {OVERHEAD}
        kept = [bytes(size - BYTES) for size in range(505, 521)]
        """
    )
    trace = done.trace
    mine = trace.own(*range(505, 521))
    assert sorted(row.size for row in mine) == list(range(505, 521))
    assert {row.allocator for row in mine} == {"object"}


def test_list_grown_by_realloc_leaves_one_live_block(record: Any) -> None:
    done = record(
        """
        import sys
        grown = []
        def grow():
            for number in range(100_000):
                grown.append(None)
        grow()
        print(sys.getsizeof(grown) - sys.getsizeof([]))
        """
    )
    trace = done.trace
    size = int(done.stdout)
    row = trace.one(size)
    assert trace.functions_of(size)[0] == "grow"
    assert row.freed_ns == -1 or row.freed_ns > row.time_ns
    grown = trace.allocations(function="grow")
    steps = [step for step in grown if step.size % 8 == 0 and step.size > 1000]
    assert len(steps) > 20
    # Each step frees the block before it.
    assert all(step.freed_ns >= step.time_ns for step in steps[:-1])


def test_block_allocated_before_the_start_is_not_in_the_trace(run: Any) -> None:
    done = run(
        """
        import sys, memlyze
        before = [bytes(30_011) for _ in range(50)]
        memlyze.start(sys.argv[1], sample_rate=1.0)
        del before
        after = bytes(30_011)
        memlyze.stop()
        """
    )
    trace = done.trace
    assert trace.one(30_011 + 33).freed_ns == -1
    trace.check_sound()


def test_block_freed_after_the_stop_is_live_in_the_trace(run: Any) -> None:
    done = run(
        """
        import sys, memlyze
        memlyze.start(sys.argv[1], sample_rate=1.0)
        kept = bytes(30_011)
        gone = bytes(30_012)
        del gone
        memlyze.stop()
        del kept
        """
    )
    trace = done.trace
    assert trace.one(30_011 + 33).freed_ns == -1
    assert trace.one(30_012 + 33).freed_ns >= 0


def test_free_of_another_thread_closes_the_record(record: Any) -> None:
    done = record(
        """
        import threading
        box = [bytes(40_000 + number) for number in range(200)]
        small = [bytes(300 + number) for number in range(100)]
        def drop():
            box.clear()
            small.clear()
        thread = threading.Thread(target=drop)
        thread.start()
        thread.join()
        """
    )
    trace = done.trace
    for number in range(200):
        assert trace.one(40_000 + number + 33).freed_ns >= 0
    trace.check_sound()


@pytest.mark.parametrize(
    "allocators", ["malloc", "debug", "pymalloc", "pymalloc_debug", "malloc_debug"]
)
def test_any_of_pythons_allocators_is_recorded_exactly(same: Any, allocators: str) -> None:
    done = same(
        """
        import gc
        gc.disable()
        kept = [bytes(number) for number in range(20_000, 20_200)]
        small = [bytes(400) for _ in range(5_000)]
        del small
        grown = [None] * 3_751
        grown.extend([None] * 4_000)
        print(len(kept))
        """,
        env={"PYTHONMALLOC": allocators},
    )
    trace = done.trace
    for number in range(20_000, 20_200):
        assert trace.one(number + 33).allocator == "object"
    assert len(trace.own(433)) == 5000
    assert trace.one(8 * 3_751).freed_ns >= 0
    trace.check_sound()


def test_live_heap_of_the_last_tick_is_the_sum_over_live_allocations(run: Any) -> None:
    done = run(
        """
        import sys, memlyze
        tracer = memlyze.start(sys.argv[1], sample_rate=1.0)
        kept = [bytes(number) for number in range(3_000)]
        dropped = [bytes(number) for number in range(6_000)]
        del dropped
        grown = [None]
        for _ in range(10_000):
            grown.append([])
        del grown[::2]
        tracer.stop()
        """
    )
    trace = done.trace
    live = trace.columns["freed_ns"] == -1
    assert trace.memory[-1]["heap_live"] == int(trace.columns["size"][live].sum())
    assert trace.memory[-1]["heap_live_count"] == int(live.sum())
    assert trace.metadata["allocations_recorded"] == len(trace)
    assert trace.metadata["frees_recorded"] == len(trace) - int(live.sum())
    assert trace.metadata["events_dropped"] == 0


def test_same_program_twice_gives_the_same_allocations(record: Any) -> None:
    program = """
        def work():
            table = {}
            for number in range(3_000):
                table[number] = [str(number), (number,) * 3]
            return table
        kept = work()
        """
    counts = []
    for name in ("one", "two"):
        trace = record(program, output_file=f"{name}.mlyze")
        trace = trace._replace(trace_path=trace.trace_path.with_name(f"{name}.mlyze")).trace
        rows = trace.allocations(function="work")
        counts.append((len(rows), sum(row.size for row in rows)))
    assert counts[0] == counts[1]
    assert counts[0][0] > 9_000


def test_recorder_counts_the_memory_that_its_own_tables_take(record: Any) -> None:
    """At 1.0 an entry of eight bytes for each live block, at least."""
    trace = record(
        """
        kept = [(number,) for number in range(200_000)]
        """
    ).trace
    grown = trace.memory[-1]["tracer_bytes"] - trace.memory[0]["tracer_bytes"]
    assert 8 * 200_000 < grown < 100 * 200_000


def test_frees_have_room_where_allocations_are_dropped(record: Any) -> None:
    trace = record(
        """
        for number in range(60_000):
            small = [object() for _ in range(20)]
            larger = [bytes(700) for _ in range(20)]
        """,
        when_full="drop",
    ).trace
    assert trace.metadata["frees_dropped"] == 0
