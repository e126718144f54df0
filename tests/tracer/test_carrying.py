"""Windows in threads: carried by hand, or for all threads and executors of a recording."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import pytest

CARRYING = {"carry_into_threads": True}

#: `names[size]` of a trace is the window in which that block was allocated.
BEGIN = """
import asyncio, contextvars, sys, threading
from concurrent.futures import ThreadPoolExecutor
import memlyze
kept = []
def work(size):
    kept.append(bytes(size))
    return size
def in_thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    thread.join()
"""


def program(source: str) -> str:
    return BEGIN + textwrap.dedent(source)


def windows_of(trace: Any, *sizes: int) -> list[str | None]:
    """The name of the window in which each block was allocated; None: in none."""
    names = {number: row["name"] for number, row in trace.windows.items()}
    return [names.get(trace.one(size + 33).window_id) for size in sizes]


def test_carried_function_runs_in_the_window_of_its_carrying(record: Any) -> None:
    trace = record(
        program("""
        pool = ThreadPoolExecutor(1)
        with memlyze.window("first"):
            carried = memlyze.carry(work)
            in_thread(work, 50_000)                                  # not carried
            in_thread(memlyze.carry(work), 50_001)
            pool.submit(memlyze.carry(work), 50_002).result()
            pool.submit(work, 50_003).result()                       # and nothing stays behind
        none = memlyze.carry(work)
        with memlyze.window("second"):
            assert carried(size=50_004) == 50_004
            none(50_005)
            work(50_006)
            memlyze.carry(carried)(50_007)                           # the inner one is nearer
        """)
    ).trace
    assert windows_of(trace, *range(50_000, 50_008)) == [
        None,
        "first",
        "first",
        None,
        "first",
        None,
        "second",
        "first",
    ]


def test_carried_coroutine_leaves_nothing_behind_where_it_is_closed_or_collected(
    record: Any,
) -> None:
    trace = record(
        program("""
        import gc, types
        @types.coroutine
        def pause():
            yield
        async def suspended():
            work(50_000)
            try:
                await pause()
            finally:
                work(50_001)
        def begun(name):
            with memlyze.window(name):
                coroutine = memlyze.carry(suspended)()
                coroutine.send(None)
            return coroutine
        closed, collected = begun("closed"), begun("collected")
        kept.clear()
        with memlyze.window("closes"):
            closed.close()
            work(50_002)
        kept.clear()
        none = memlyze.carry(suspended)()
        with memlyze.window("goes on"):
            none.send(None)
            work(50_003)
        with memlyze.window("collects"):
            del collected
            gc.collect()
            work(50_004)
        work(50_005)
        none.close()
        work(50_006)
        """)
    ).trace
    names = {number: row["name"] for number, row in trace.windows.items()}
    first = [names.get(row.window_id) for row in trace.own(50_033)]
    last = [names.get(row.window_id) for row in trace.own(50_034)]
    assert first == ["closed", "collected", None]
    assert last == ["closed", "collected", None]
    assert windows_of(trace, *range(50_002, 50_007)) == [
        "closes",
        "goes on",
        "collects",
        None,
        None,
    ]


def test_carried_function_is_like_the_plain_one(run: Any) -> None:
    """With and without a recording: it returns, raises, is named and is refused alike."""
    done = run(
        program("""
        class Model:
            '''Of a class.'''
            _function = None
            def method(self): return self
        async def ask(size):
            '''Of a coroutine.'''
            await asyncio.sleep(0)
            if size < 0: raise LookupError(size)
            work(size)
            return memlyze.windows.present.get()
        def fail(): raise LookupError("as asked")
        print(memlyze.carry(work) is work)
        memlyze.start("here.mlyze", sample_rate=1.0)
        with memlyze.window("there"):
            number = memlyze.windows.present.get()
            carried = [memlyze.carry(f) for f in (work, ask, fail, Model, Model().method, print)]
        print([f.__name__ for f in carried], carried[1].__doc__, carried[3].__doc__)
        print(asyncio.iscoroutinefunction(carried[1]))
        assert asyncio.run(carried[1](60_000)) == number
        for call in carried[2], lambda: asyncio.run(carried[1](-1)):
            try:
                call()
            except LookupError as error:
                print(repr(error), memlyze.windows.present.get())
        print(type(carried[3]()).__name__, type(carried[4]()).__name__)
        def pieces(): yield
        async def pieces_later(): yield
        for wrong in 5, pieces, pieces_later:
            try:
                memlyze.carry(wrong)
            except TypeError as error:
                print(str(error).split(" <function")[0])
        memlyze.stop()
        """),
        flags=("-W", "ignore"),
    )
    assert done.lines == [
        "True",
        "['work', 'ask', 'fail', 'Model', 'method', 'print'] Of a coroutine. Of a class.",
        "True",
        "LookupError('as asked') 0",
        "LookupError(-1) 0",
        "Model Model",
        "memlyze.carry takes a function, not 5",
        "memlyze.carry cannot carry a window into the generator",
        "memlyze.carry cannot carry a window into the generator",
    ]


@pytest.mark.parametrize("flags", [(), ("-X", "thread_inherit_context=1")], ids=["", "inherit"])
def test_threads_and_executors_take_the_window_along(record: Any, flags: tuple[str, ...]) -> None:
    if flags and sys.version_info < (3, 14):
        pytest.skip("threads inherit contexts from CPython 3.14 on")
    trace = record(
        program("""
        class Thread(threading.Thread):
            def __init__(self, size):
                super().__init__()
                self.size = size
            def start(self):
                super().start()
            def run(self):
                work(self.size)
        class Executor(ThreadPoolExecutor):
            def submit(self, function, *arguments, **keywords):
                return super().submit(function, *arguments, **keywords)
        def start_another(size):
            work(size)
            in_thread(work, size + 1)
        async def in_executors():
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, work, 50_010)
            await loop.run_in_executor(pool, work, 50_011)
        pool, other = ThreadPoolExecutor(1), Executor(1)
        with memlyze.window("first"):
            in_thread(start_another, 50_000)                                    # and 50 001
            thread = Thread(50_002)
            thread.start()
            thread.join()
            timer = threading.Timer(0, work, (50_003,))
            timer.start()
            timer.join()
            pool.submit(work, size=50_004).result()         # this starts the pool's only thread
            other.submit(work, 50_005).result()
            print(list(pool.map(work, (50_006, 50_007))))
            asyncio.run(in_executors())                                         # 50 010 and 50 011
        pool.submit(work, 50_020).result()
        in_thread(work, 50_021)
        with memlyze.window("second"):
            pool.submit(work, 50_022).result()
            other.submit(work, 50_023).result()
        """),
        flags=flags,
        **CARRYING,
    ).trace
    sizes = [*range(50_000, 50_008), 50_010, 50_011]
    assert windows_of(trace, *sizes) == ["first"] * len(sizes)
    assert windows_of(trace, 50_020, 50_021, 50_022, 50_023) == [None, None, "second", "second"]


@pytest.mark.parametrize("carry_into_threads", [False, True])
@pytest.mark.parametrize("flags", [(), ("-X", "thread_inherit_context=1")], ids=["", "inherit"])
def test_thread_of_a_pool_is_in_no_window_between_its_work(
    record: Any, flags: tuple[str, ...], carry_into_threads: bool
) -> None:
    """Not in that of the request that happened to cause its start."""
    if flags and sys.version_info < (3, 14):
        pytest.skip("threads inherit contexts from CPython 3.14 on")
    trace = record(
        program("""
        from multiprocessing.pool import ThreadPool
        pool = ThreadPoolExecutor(1, initializer=work, initargs=(50_000,))
        done = threading.Event()
        with memlyze.window("first"):
            threads = ThreadPool(1)
            future = pool.submit(done.wait)
            future.add_done_callback(lambda _: work(50_001))  # in the pool's thread
            done.set()
            future.result()
        pool.submit(work, 50_002).result()
        threads.apply(work, (50_003,))
        threads.close()
        threads.join()
        """),
        carry_into_threads=carry_into_threads,
        flags=flags,
    ).trace
    assert windows_of(trace, *range(50_000, 50_004)) == [None] * 4


def test_only_the_window_is_carried(record: Any) -> None:
    """The rest of a thread's context is what it is without: empty, or what its work left there."""
    done = record(
        program("""
        variable = contextvars.ContextVar("variable", default="default")
        pool = ThreadPoolExecutor(1)
        with memlyze.window("first"):
            variable.set("of the request")
            in_thread(lambda: print(variable.get()))
            print(pool.submit(variable.get).result())
            pool.submit(variable.set, "of the pool").result()
        print(pool.submit(variable.get).result())
        def fail(): raise LookupError("as asked")
        try:
            pool.submit(fail).result()
        except LookupError as error:
            print(repr(error))
        print(pool.submit(memlyze.windows.present.get).result())
        try:
            pool.submit(5).result()
        except TypeError as error:
            print(error)
        for wrong in (lambda: pool.submit(), lambda: threading.current_thread().start()):
            try:
                wrong()
            except (TypeError, RuntimeError) as error:
                print(type(error).__name__)
        """),
        **CARRYING,
    )
    assert done.lines == [
        "default",
        "default",
        "of the pool",
        "LookupError('as asked')",
        "0",
        "'int' object is not callable",
        "TypeError",
        "RuntimeError",
    ]


def test_context_that_a_thread_is_given_is_left_as_it_is(record: Any) -> None:
    if sys.version_info < (3, 14):
        pytest.skip("threads are given contexts from CPython 3.14 on")
    trace = record(
        program("""
        with memlyze.window("first"):
            context = contextvars.copy_context()
        with memlyze.window("second"):
            thread = threading.Thread(target=work, args=(50_000,), context=context)
            thread.start()
            thread.join()
            with_none = threading.Thread(target=work, args=(50_001,), context=contextvars.Context())
            with_none.start()
            with_none.join()
        """),
        **CARRYING,
    ).trace
    assert windows_of(trace, 50_000, 50_001) == ["first", None]


def test_interpreters_of_a_pool_are_left_alone(record: Any) -> None:
    if sys.version_info < (3, 14):
        pytest.skip("pools of interpreters came with CPython 3.14")
    done = record(
        """
        import math, memlyze
        from concurrent.futures import InterpreterPoolExecutor
        with InterpreterPoolExecutor(1) as pool, memlyze.window("first"):
            print(pool.submit(math.sqrt, 4).result())
        """,
        **CARRYING,
    )
    assert done.lines == ["2.0"]


def test_carrying_ends_with_the_recording(run: Any) -> None:
    """Nothing of it is left, unless somebody has built on it; then it does nothing."""
    done = run(
        program("""
        originals = threading.Thread.start, ThreadPoolExecutor.submit
        pool = ThreadPoolExecutor(1)
        for carrying in False, True, True:
            tracer = memlyze.start(f"{carrying}.mlyze", force=True, carry_into_threads=carrying)
            print((threading.Thread.start, ThreadPoolExecutor.submit) == originals)
            with memlyze.window("first"):
                print(pool.submit(memlyze.windows.present.get).result() > 0)
            tracer.stop()
            print((threading.Thread.start, ThreadPoolExecutor.submit) == originals)

        tracer = memlyze.start("third.mlyze", carry_into_threads=True)
        ours = threading.Thread.start
        threading.Thread.start = lambda self: ours(self)
        with memlyze.window("first"):
            tracer.stop()
            in_thread(lambda: print(memlyze.windows.present.get()))
            print(pool.submit(memlyze.windows.present.get).result())
        """),
    )
    assert done.lines == [
        *("True", "False", "True"),
        *("False", "True", "True"),
        *("False", "True", "True"),
        *("0", "0"),
    ]


def test_thread_that_outlives_its_recording_is_in_no_window_of_the_next(run: Any) -> None:
    trace = run(
        program("""
        release = threading.Event()
        def late(size):
            release.wait()
            work(size)
        memlyze.start("first.mlyze", carry_into_threads=True)
        pool = ThreadPoolExecutor(1)
        with memlyze.window("first"):
            thread = threading.Thread(target=late, args=(50_000,))
            thread.start()
            future = pool.submit(late, 50_001)
        memlyze.stop()
        memlyze.start(sys.argv[1], sample_rate=1.0, carry_into_threads=True)
        with memlyze.window("second"):
            release.set()
            thread.join()
            future.result()
        memlyze.stop()
        """)
    ).trace
    assert windows_of(trace, 50_000, 50_001) == [None, None]


def test_forked_child_carries_its_own_windows_only(record: Any, programs: Any) -> None:
    done = record(
        program("""
        import os
        pool = ThreadPoolExecutor(1)
        def fork():
            child = os.fork()
            if not child:
                work(50_000)                                    # the window is the parent's
                in_thread(work, 50_001)
                with memlyze.window("of the child"):
                    in_thread(work, 50_002)
                    with ThreadPoolExecutor(1) as own:
                        own.submit(work, 50_003).result()
                os._exit(0)
            os.waitpid(child, 0)
        with memlyze.window("of the parent"):
            in_thread(fork)
            pool.submit(work, 50_004).result()
        """),
        **CARRYING,
        flags=("-W", "ignore"),
    )
    assert windows_of(done.trace, 50_004) == ["of the parent"]
    (child,) = programs.family()
    assert windows_of(child, 50_000, 50_001, 50_002, 50_003) == [None, None] + ["of the child"] * 2


def test_carried_coroutine_keeps_a_window_of_its_own(record: Any) -> None:
    """What it has opened goes on over its steps, and is nobody else's in between."""
    trace = record(
        program("""
        async def load():
            work(50_020)
            with memlyze.window("own"):
                await asyncio.sleep(0)
                work(50_021)
            await asyncio.sleep(0)
            work(50_022)
        async def main(carried):
            with memlyze.window("caller"):
                await carried()
                work(50_023)
        with memlyze.window("carried"):
            carried = memlyze.carry(load)
        asyncio.run(main(carried))
        """)
    ).trace
    assert windows_of(trace, *range(50_020, 50_024)) == ["carried", "own", "carried", "caller"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="functions are marked from CPython 3.12 on")
def test_function_marked_as_a_coroutine_function_is_carried(record: Any) -> None:
    trace = record(
        program("""
        import inspect
        @inspect.markcoroutinefunction
        def ask():
            work(50_030)
            return asyncio.get_running_loop().run_in_executor(None, str, 5)
        async def main(carried):
            assert await carried() == "5"
        with memlyze.window("carried"):
            carried = memlyze.carry(ask)
        asyncio.run(main(carried))
        """)
    ).trace
    assert windows_of(trace, 50_030) == ["carried"]
