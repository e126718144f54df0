"""Greenlets switch stacks beneath one thread: each allocation has the stack and the window of the
greenlet that made it.
"""

from __future__ import annotations

from typing import Any

import pytest

TASKS = 12
ROUNDS = 40

#: Greenlets that run the same lines at the same depth, so that only what is beneath tells them
#: apart, and that switch within the allocating line's caller.
SWITCHING = f"""
import sys, time, memlyze
began = time.monotonic()
TASKS, ROUNDS = {TASKS}, {ROUNDS}
kept = []
def allocate(size):
    kept.append(bytes(size))
def level(depth, number, round):
    if depth:
        level(depth - 1, number, round)
        switch()
    else:
        allocate(60_000 + number * 100 + round)
        switch()
def rounds(number):
    sys._getframe()
    for round in range(ROUNDS):
        level(round % 7, number, round)
        end = began + round * 0.01  # frames that last may be trusted later not to have moved
        while round < 10 and time.monotonic() < end:
            switch()
            kept.append([])
space = {{"rounds": rounds, "memlyze": memlyze}}
exec("".join(
    f"def task_{{number}}():\\n    with memlyze.window('{{number}}'): rounds({{number}})\\n"
    for number in range(TASKS)), space)
tasks = [space[f"task_{{number}}"] for number in range(TASKS)]
"""

GREENLET = """
import greenlet
main = greenlet.getcurrent()
def switch():
    main.switch()
running = [greenlet.greenlet(task) for task in tasks]
while running:
    for task in list(running):
        task.switch()
        if task.dead:
            running.remove(task)
"""

#: Of one greenlet into another, without the main one in between.
IN_A_RING = """
import greenlet
main = greenlet.getcurrent()
def switch():
    here = order.index(greenlet.getcurrent())
    for step in range(1, len(order) + 1):
        following = order[(here + step) % len(order)]
        if not following.dead:
            return following.switch()
order = [greenlet.greenlet(task) for task in tasks]
while not all(task.dead for task in order):
    next(task for task in order if not task.dead).switch()
"""

#: On CPython 3.8 a collection while an extension module of gevent's is being imported crashes, with
#: and without a recording.
GEVENT = """
import gc
gc.disable()
import gevent
gc.enable()
def switch():
    gevent.sleep(0)
gevent.joinall([gevent.spawn(task) for task in tasks], raise_error=True)
"""

IN_THREADS = """
import greenlet, threading
local = threading.local()
def switch():
    local.main.switch()
def work(mine):
    local.main = greenlet.getcurrent()
    running = [greenlet.greenlet(task) for task in mine]
    while running:
        for task in list(running):
            task.switch()
            if task.dead:
                running.remove(task)
sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=work, args=(tasks[k::3],)) for k in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("greenlet", GREENLET),
        ("greenlet", IN_A_RING),
        ("greenlet", IN_THREADS),
        ("gevent", GEVENT),
    ],
    ids=["main", "ring", "threads", "gevent"],
)
def test_allocations_have_the_stack_and_the_window_of_their_greenlet(
    record: Any, module: str, source: str
) -> None:
    pytest.importorskip(module)
    trace = record(SWITCHING + source).trace
    trace.check_sound()
    names = {number: row["name"] for number, row in trace.windows.items()}
    for number in range(TASKS):
        for turn in range(ROUNDS):
            allocation = trace.one(60_000 + number * 100 + turn + 33)
            functions = [frame.function for frame in trace.stack(allocation.stack_id)]
            expected = ["allocate", *["level"] * (turn % 7 + 1), "rounds", f"task_{number}"]
            assert functions[: len(expected)] == expected
            # Beneath is who runs greenlets, and none of the others.
            assert not [name for name in functions[len(expected) :] if name.startswith("task_")]
            assert names[allocation.window_id] == str(number)


def test_new_greenlet_is_in_the_window_of_its_context(record: Any) -> None:
    """A context of its own, which is empty unless the program gives it a copy."""
    pytest.importorskip("gevent")
    trace = record(
        """
        import contextvars, gc
        gc.disable()
        import gevent, memlyze
        gc.enable()
        kept = []
        def work(size):
            gevent.sleep(0)
            kept.append(bytes(size))
            gevent.sleep(0)
        def request(number):
            with memlyze.window(f"request {number}"):
                tasks = [gevent.Greenlet(work, size + number) for size in (60_000, 70_000)]
                tasks[1].gr_context = contextvars.copy_context()
                for task in tasks: task.start()
                gevent.joinall(tasks, raise_error=True)
        gevent.joinall([gevent.spawn(request, number) for number in range(20)], raise_error=True)
        """
    ).trace
    names = {number: row["name"] for number, row in trace.windows.items()}
    for number in range(20):
        assert trace.one(60_033 + number).window_id == 0
        assert names[trace.one(70_033 + number).window_id] == f"request {number}"


def test_program_patched_by_gevent_runs_as_without(same: Any) -> None:
    pytest.importorskip("gevent")
    done = same(
        """
        import gc
        gc.disable()
        import gevent.monkey
        gc.enable()
        gevent.monkey.patch_all()
        import os, subprocess, sys, threading, time
        def work(number):
            time.sleep(0)
            kept.append(bytes(60_000 + number))
        kept = []
        threads = [threading.Thread(target=work, args=(n,), name=f"worker {n}") for n in range(5)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(threading.current_thread().name, threading.active_count())
        print(subprocess.run([sys.executable, "-c", "print(1)"], stdout=subprocess.PIPE).stdout)
        if os.fork() == 0:
            kept.append(bytes(70_000))
            time.sleep(0)
            sys.exit(0)
        print(os.wait()[1])
        """,
        flags=("-W", "ignore"),
    )
    trace = done.trace
    trace.check_sound()
    assert all(trace.one(60_033 + number) for number in range(5))


def test_greenlet_that_is_never_ended_does_no_harm(same: Any) -> None:
    pytest.importorskip("greenlet")
    done = same(
        """
        import gc, greenlet
        main = greenlet.getcurrent()
        kept = []
        def endless(number):
            try:
                while True:
                    kept.append(bytes(60_000 + number))
                    main.switch()
            finally:
                kept.append(bytes(70_000 + number))     # killed while its stack is collected
        for number in range(50):
            task = greenlet.greenlet(endless)
            task.switch(number)
            task.switch()
            if number % 2:
                del task
                gc.collect()
        alive = task = greenlet.greenlet(endless)
        task.switch(99)
        print(len(kept))
        """
    )
    trace = done.trace
    trace.check_sound()
    for number in range(50):
        for row in trace.own(60_033 + number, 70_033 + number):
            assert trace.stack(row.stack_id)[0].function == "endless"


def test_checkpoint_while_a_greenlet_is_made_does_not_ask_it(record: Any) -> None:
    """A greenlet is among what the collector tracks before it is one: its type's answer to whether
    it is tracked would look into what is not there yet.
    """
    done = record(
        """
        import gc, greenlet, memlyze
        def look(phase, info):
            if phase == "stop":
                memlyze.checkpoint()
        def leave():
            greenlet.getcurrent().parent.switch(1)
        gc.callbacks.append(look)
        for threshold in range(3, 30):
            gc.set_threshold(threshold, 1000, 1000)
            made = [greenlet.greenlet(leave) for _ in range(20)]
            for one in made:
                one.switch()
            del made
        gc.callbacks.remove(look)
        print("done")
        """
    )
    assert done.lines == ["done"]
