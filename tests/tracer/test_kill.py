"""What stands in the file when the program is killed: all of it can be understood."""

from __future__ import annotations

import random
import signal
import time
from typing import Any

from recorded import Trace

from memlyze.trace import format as fmt

BUSY = """
import threading, memlyze
def work(name):
    while True:
        with memlyze.window(name):
            kept = [bytes(number % 3_000) for number in range(2_000)]
{start}
print("ready", flush=True)
"""


def test_file_that_ends_after_any_block_names_nothing_that_it_does_not_hold(record: Any) -> None:
    """Threads, windows and stacks are in the file before the events that name them."""
    done = record(
        """
        import threading, memlyze
        def work(number):
            with memlyze.window(f"work {number}"):
                kept = [[index] for index in range(90_000)]
        for number in range(4):
            thread = threading.Thread(target=work, args=[number])
            thread.start()
            thread.join()
        """
    )
    content = done.trace_path.read_bytes()
    ends = block_ends(content)
    assert len(ends) > 10
    for end in ends:
        done.trace_path.write_bytes(content[:end])
        done.trace.check_sound(is_whole=False)


def block_ends(content: bytes) -> list[int]:
    """Where each block ends."""
    at = fmt.FILE_HEADER.size + fmt.FILE_HEADER.unpack_from(content)[3]
    ends = []
    while content[at : at + 4] == fmt.BLOCK_MAGIC:
        payload_bytes = fmt.BLOCK_HEADER.unpack_from(content, at)[6]
        at += fmt.BLOCK_HEADER.size + payload_bytes
        ends.append(at)
    return ends


def test_program_that_is_killed_at_any_moment_leaves_a_sound_trace(programs: Any) -> None:
    start = "for number in range(3): threading.Thread(target=work, args=[str(number)]).start()"
    moments = random.Random(1)
    for attempt in range(10):
        options = {"sample_rate": 1.0 if attempt % 2 else 0.01, "force": True}
        with programs.started(BUSY.format(start=start), options=options) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(moments.random() * 0.4)  # the moment, not a wait for anything
            process.send_signal(signal.SIGKILL)
            process.wait()
        Trace(programs.trace_path).check_sound(is_whole=False)
