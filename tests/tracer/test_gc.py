"""Runs of the cyclic garbage collector: recorded as they were, and never caused."""

from __future__ import annotations

from typing import Any


def test_collections_are_recorded_with_their_results(record: Any) -> None:
    done = record(
        """
        import gc
        gc.disable()
        class Node:
            pass
        def cycles(count):
            for _ in range(count):
                node = Node()
                node.me = node
        gc.collect()
        seen = []
        gc.callbacks.append(lambda phase, info: seen.append(info) if phase == "stop" else None)
        for generation in (0, 1, 2):
            cycles(10 + generation)
            gc.collect(generation)
        for info in seen:
            print(info["generation"], info["collected"], info["uncollectable"])
        """
    )
    expected = [tuple(map(int, line.split())) for line in done.lines]
    assert len(expected) == 3
    runs = done.trace.gc
    found = [(run["generation"], run["collected"], run["uncollectable"]) for run in runs]
    start = found.index(expected[0])
    assert found[start : start + 3] == expected
    for run in runs:
        assert run["time_ns"] >= 0 and run["duration_ns"] >= 0
        assert done.trace.threads[run["thread_id"]]["name"] == "MainThread"
    times = [run["time_ns"] for run in runs]
    assert times == sorted(times)


def test_uncollectable_objects_are_counted(record: Any) -> None:
    done = record(
        """
        import gc
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        for _ in range(25):
            cycle = []
            cycle.append(cycle)
        del cycle
        info = []
        gc.callbacks.append(lambda phase, i: info.append(i) if phase == "stop" else None)
        gc.collect()
        print(info[-1]["collected"], info[-1]["uncollectable"])
        gc.set_debug(0)
        gc.garbage.clear()
        """
    )
    expected = tuple(map(int, done.stdout.split()))
    assert expected in [(run["collected"], run["uncollectable"]) for run in done.trace.gc]


def test_collections_are_left_out_when_asked(record: Any) -> None:
    trace = record("import gc; gc.collect(); print(len(gc.callbacks))", track_gc=False)
    assert trace.lines == ["0"]
    assert trace.trace.gc == []


def test_recorder_sets_off_no_collection(same: Any) -> None:
    """Same counts, same thresholds, same runs as without.

    So many objects as end halfway between two collections: the few frame objects that the recorder
    has made count, too.
    """
    same(
        """
        import gc, sys
        gc.collect()
        before = [generation["collections"] for generation in gc.get_stats()]
        class Node:
            pass
        def work():
            nodes = []
            for number in range(29_000):
                node = Node()
                node.me = node
                if number % 3: nodes.append(node)
        work()
        after = [generation["collections"] for generation in gc.get_stats()]
        print([b - a for a, b in zip(before, after)], gc.get_threshold(), gc.isenabled())
        """
    )


def test_finalizers_that_allocate_during_a_collection(record: Any) -> None:
    trace = record(
        """
        import gc
        kept = []
        class Loud:
            def __init__(self, number): self.me, self.number = self, number
            def __del__(self): kept.append(bytes(50_000 + self.number))
        for number in range(100):
            Loud(number)
        gc.collect()
        """
    ).trace
    for number in range(100):
        assert trace.functions_of(50_033 + number)[0] == "__del__"
    trace.check_sound()


def test_callbacks_of_the_program_are_called_as_without(same: Any) -> None:
    same(
        """
        import gc
        seen = []
        def mine(phase, info):
            seen.append((phase, sorted(info)))
            if phase == "stop": bytes(50_001)
        gc.callbacks.append(mine)
        gc.collect()
        gc.callbacks.remove(mine)
        gc.collect()
        print(seen)
        """
    )
