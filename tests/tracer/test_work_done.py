"""What the memory clock says of the program's work: the program's own, not the recorder's."""

from __future__ import annotations

import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux says what a thread of a process did"
)


def test_cpu_time_and_waits_are_those_of_the_program(record: Any) -> None:
    done = record(
        """
        import resource, threading, time

        def compute():
            while time.thread_time() < 0.2:
                sum(range(1000))

        threads = [threading.Thread(target=compute) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(50):
            time.sleep(0.001)
        print(time.process_time())
        """
    )
    (process_seconds,) = (float(line) for line in done.lines)
    last = done.trace.memory[-1]
    first = done.trace.memory[0]
    assert last["cpu_us"] - first["cpu_us"] >= 400_000
    assert last["cpu_us"] <= process_seconds * 1e6 + 2_000_000
    assert last["waits"] - first["waits"] >= 50
    times = [tick["cpu_us"] for tick in done.trace.memory]
    assert all(later >= earlier - 1000 for earlier, later in zip(times, times[1:]))


def test_helper_thread_that_wakes_is_no_work_of_the_program(record: Any) -> None:
    done = record(
        """
        import time
        for _ in range(3):
            time.sleep(0.4)
        """
    )
    ticks = done.trace.memory
    assert len(ticks) > 10
    middle = ticks[len(ticks) // 4 : len(ticks) * 3 // 4]
    assert middle[-1]["waits"] - middle[0]["waits"] < len(middle) / 4
    assert middle[-1]["cpu_us"] - middle[0]["cpu_us"] < 20_000
