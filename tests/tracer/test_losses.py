"""What cannot be recorded is counted, by its cause."""

from __future__ import annotations

from typing import Any


def test_events_that_find_no_room_around_a_fork_are_counted_as_such(run: Any) -> None:
    """The helper thread is away then; who waited for it would perhaps keep it from coming back."""
    done = run(
        """
        import sys, memlyze
        from memlyze._speedups import _tracer
        tracer = memlyze.start(sys.argv[1], sample_rate=1.0)
        _tracer.before_fork()
        kept = [object() for _ in range(200_000)]
        _tracer.after_fork_in_parent()
        tracer.stop()
        """
    )
    metadata = done.trace.metadata
    assert metadata["events_dropped"] == metadata["events_dropped_in_fork"] > 100_000
    assert metadata["events_dropped_for_memory"] == metadata["calls_unrecorded"] == 0


def test_calls_of_threads_without_address_space_are_counted(run: Any) -> None:
    done = run(
        """
        import re, resource, sys, _thread, threading, memlyze
        may_begin, has_ended, may_go = (_thread.allocate_lock() for _ in range(3))
        may_begin.acquire(), has_ended.acquire(), may_go.acquire()
        def work():
            is_waiting.set()
            may_begin.acquire()
            kept = [object() for _ in range(2_000)]
            has_ended.release()
            may_go.acquire()    # the end of a thread may need room for a library
        is_waiting = threading.Event()
        _thread.start_new_thread(work, ())
        is_waiting.wait()
        spare = [object() for _ in range(10_000)]
        tracer = memlyze.start(sys.argv[1], sample_rate=1.0)
        unlimited = resource.getrlimit(resource.RLIMIT_AS)
        del spare                                 # room in arenas that are there already
        size_kib = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
        resource.setrlimit(resource.RLIMIT_AS, (size_kib << 10, unlimited[1]))
        may_begin.release()
        has_ended.acquire()
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
        may_go.release()
        tracer.stop()
        """
    )
    metadata = done.trace.metadata
    assert metadata["calls_unrecorded"] >= 2_000
    assert metadata["events_dropped"] == 0
