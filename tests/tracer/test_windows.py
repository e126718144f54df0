"""Windows: what is allocated inside is attributed to them, and the program notices nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

import memlyze


def window_of(trace: Any, size: int) -> str:
    """The name of the window of the only `bytes` of so many zeros; empty: none."""
    number = trace.one(size + 33).window_id
    return str(trace.windows[number]["name"]) if number else ""


def test_windows_nest(record: Any) -> None:
    trace = record(
        """
        import memlyze
        kept = [bytes(50_000)]
        with memlyze.window("outer", rows=3, where="hier", odd=object) as window:
            kept.append(bytes(50_001))
            with memlyze.window("inner"):
                kept.append(bytes(50_002))
            kept.append(bytes(50_003))
        kept.append(bytes(50_004))
        """
    ).trace
    assert [window_of(trace, 50_000 + number) for number in range(5)] == [
        "",
        "outer",
        "inner",
        "outer",
        "",
    ]
    outer, inner = trace.window_named("outer"), trace.window_named("inner")
    assert (outer["parent_id"], inner["parent_id"]) == (0, outer["window_id"])
    assert (outer["kind"], inner["kind"]) == ("window", "window")
    assert outer["start_ns"] <= inner["start_ns"] <= inner["end_ns"] <= outer["end_ns"]
    attributes = json.loads(outer["attributes"])
    assert (attributes["rows"], attributes["where"]) == (3, "hier")


def test_window_that_an_exception_leaves_is_closed(record: Any) -> None:
    trace = record(
        """
        import memlyze
        kept = []
        try:
            with memlyze.window("fails"):
                raise KeyError
        except KeyError:
            kept.append(bytes(50_001))
        """
    ).trace
    assert trace.window_named("fails")["end_ns"] >= 0
    assert window_of(trace, 50_001) == ""


def test_window_that_is_open_at_the_end_stays_open(record: Any) -> None:
    trace = record(
        """
        import memlyze
        kept = []
        memlyze.window("endless").__enter__()
        kept.append(bytes(50_001))
        """
    ).trace
    assert trace.window_named("endless")["end_ns"] == -1
    assert window_of(trace, 50_001) == "endless"


def test_threads_have_windows_of_their_own(record: Any) -> None:
    trace = record(
        """
        import memlyze, threading
        kept = []
        def work(number):
            kept.append(bytes(60_000 + number))
            with memlyze.window(f"thread {number}"):
                barrier.wait()
                kept.append(bytes(50_000 + number))
                barrier.wait()
        barrier = threading.Barrier(4)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        with memlyze.window("main"):
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            kept.append(bytes(70_000))
        """,
        flags=("-X", "thread_inherit_context=0"),
    ).trace
    for number in range(4):
        assert window_of(trace, 50_000 + number) == f"thread {number}"
        assert window_of(trace, 60_000 + number) == ""
    assert window_of(trace, 70_000) == "main"


def test_interleaved_tasks_have_their_bytes_in_their_windows(record: Any) -> None:
    trace = record(
        """
        import asyncio, memlyze
        kept = []
        @memlyze.profile(name="request")
        async def handle(number):
            for step in range(20):
                kept.append(bytes(50_000 + 100 * number + step))
                await asyncio.sleep(0)
                await helper(60_000 + 100 * number + step)
        async def helper(size):
            await asyncio.sleep(0)
            kept.append(bytes(size))
        async def main():
            await asyncio.gather(*(handle(number) for number in range(8)))
            kept.append(bytes(70_000))
        asyncio.run(main())
        """
    ).trace
    windows = set()
    for number in range(8):
        mine = {
            trace.one(base + 100 * number + step + 33).window_id
            for base in (50_000, 60_000)
            for step in range(20)
        }
        assert len(mine) == 1
        windows |= mine
    assert len(windows) == 8
    assert {trace.windows[number]["name"] for number in windows} == {"request"}
    assert {trace.windows[number]["kind"] for number in windows} == {"call"}
    assert all(trace.windows[number]["end_ns"] >= 0 for number in windows)
    assert window_of(trace, 70_000) == ""


def test_tasks_inherit_the_window_that_starts_them(record: Any) -> None:
    trace = record(
        """
        import asyncio, memlyze
        kept = []
        async def child():
            await asyncio.sleep(0)
            kept.append(bytes(50_001))
        async def main():
            with memlyze.window("parent"):
                task = asyncio.ensure_future(child())
            await task
        asyncio.run(main())
        """
    ).trace
    assert window_of(trace, 50_001) == "parent"


def test_profile_makes_each_call_a_window(record: Any) -> None:
    trace = record(
        """
        import memlyze
        kept = []
        @memlyze.profile
        def plain(size): kept.append(bytes(size)); return size
        class Thing:
            @memlyze.profile
            def method(self, size): kept.append(bytes(size))
            @memlyze.profile
            @staticmethod
            def static(size): kept.append(bytes(size))
            @classmethod
            @memlyze.profile(name="of class")
            def of_class(cls, size): kept.append(bytes(size))
        assert plain(50_001) == 50_001
        thing = Thing()
        thing.method(50_002); thing.static(50_003); Thing.static(50_004); Thing.of_class(50_005)
        try:
            plain(size=None)
        except TypeError:
            kept.append(bytes(50_006))
        """
    ).trace
    assert [window_of(trace, 50_001 + number) for number in range(6)] == [
        "plain",
        "Thing.method",
        "Thing.static",
        "Thing.static",
        "of class",
        "",
    ]
    assert len([w for w in trace.windows.values() if w["name"] == "plain"]) == 2


def test_generator_is_in_its_window_exactly_while_it_runs(record: Any) -> None:
    trace = record(
        """
        import memlyze
        kept = []
        @memlyze.profile
        def steps():
            kept.append(bytes(50_001))
            yield 1
            kept.append(bytes(50_002))
            with memlyze.window("inside"):
                kept.append(bytes(50_003))
                yield 2
                kept.append(bytes(50_004))
            try:
                yield 3
            finally:
                kept.append(bytes(50_005))
        generator = steps()
        next(generator)
        kept.append(bytes(60_001))
        next(generator)
        kept.append(bytes(60_002))
        next(generator)
        generator.close()
        kept.append(bytes(60_003))
        """
    ).trace
    assert [window_of(trace, 50_001 + number) for number in range(5)] == [
        "steps",
        "steps",
        "inside",
        "inside",
        "steps",
    ]
    assert [window_of(trace, 60_001 + number) for number in range(3)] == ["", "", ""]
    assert trace.window_named("steps")["end_ns"] >= 0
    assert trace.window_named("inside")["parent_id"] == trace.window_named("steps")["window_id"]


def test_async_generator_is_in_its_window_exactly_while_it_runs(record: Any) -> None:
    trace = record(
        """
        import asyncio, memlyze
        kept = []
        @memlyze.profile
        async def steps():
            kept.append(bytes(50_001))
            yield 1
            await asyncio.sleep(0)
            kept.append(bytes(50_002))
            try:
                yield 2
            finally:
                await asyncio.sleep(0)
                kept.append(bytes(50_003))
        async def main():
            generator = steps()
            await generator.__anext__()
            kept.append(bytes(60_001))
            await generator.__anext__()
            kept.append(bytes(60_002))
            await generator.aclose()
            kept.append(bytes(60_003))
        asyncio.run(main())
        """
    ).trace
    assert [window_of(trace, 50_001 + number) for number in range(3)] == ["steps"] * 3
    assert [window_of(trace, 60_001 + number) for number in range(3)] == ["", "", ""]
    assert trace.window_named("steps")["end_ns"] >= 0


# What a program can see of its functions; `profile` is the identity in one of the runs.
PROTOCOLS = """
import asyncio, inspect, sys, traceback, types
profile = (lambda f: f) if sys.argv[1] == "plain" else __import__("memlyze").profile
@profile
def generator(limit):
    "its doc"
    received = []
    try:
        for number in range(limit):
            try:
                received.append((yield number))
            except KeyError as error:
                received.append(repr(error))
                yield "caught"
        return received
    finally:
        print("closing", received)
@profile
def stubborn():
    while True:
        try:
            yield
        except GeneratorExit:
            yield "no"
@profile
async def coroutine(n, fail=False):
    await asyncio.sleep(0)
    if fail: raise LookupError(n)
    return n * 2
@profile
async def agen(n):
    try:
        for i in range(n):
            got = yield i
            if got: yield ("got", got)
    except ZeroDivisionError as error:
        yield repr(error)
    finally:
        await asyncio.sleep(0)
        print("agen done")
@profile
@types.coroutine
def awaitable(n):
    yield from asyncio.sleep(0).__await__()
    return n * 3
@profile
def function(a, *args, k: int = 3, **kwargs) -> str:
    return f"{a}{args}{k}{sorted(kwargs)}"

for f in (generator, coroutine, agen, awaitable, function):
    print(f.__name__, f.__qualname__, f.__module__, f.__doc__, inspect.isgeneratorfunction(f),
          inspect.iscoroutinefunction(f), inspect.isasyncgenfunction(f), inspect.signature(f))
print(function(1, 2, k=4, z=5))
print(list(generator(3)))
g = generator(3)
print(next(g), g.send("x"), g.throw(KeyError("k")), next(g), inspect.isgenerator(g))
try:
    g.throw(ValueError("not caught"))
except ValueError as error:
    print(repr(error), error.__context__)
g = generator(2)
next(g); g.close(); g.close()
print(list(g))
g = generator(1)
next(g)
try:
    next(g)
except StopIteration as stop:
    print("value", stop.value)
def delegate():
    print("result", (yield from generator(2)))
print(list(delegate()))
s = stubborn(); next(s)
try:
    s.close()
except RuntimeError as error:
    print(error)
async def main():
    print(await coroutine(21))
    print(await awaitable(21), inspect.isawaitable(awaitable(1)))
    try:
        await coroutine(1, fail=True)
    except LookupError as error:
        print(repr(error))
    task = asyncio.ensure_future(coroutine(1))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")
    print([x async for x in agen(3)])
    a = agen(2)
    print(await a.asend(None), await a.asend("hello"))
    print(await a.athrow(ZeroDivisionError("thrown")))
    await a.aclose()
    b = agen(2)
    await b.__anext__()
    await b.aclose()
    try:
        await b.__anext__()
    except StopAsyncIteration:
        print("over")
    print(asyncio.iscoroutine(c := coroutine(1)) if sys.version_info >= (3, 8) else "")
    c.close()
asyncio.run(main())
"""


def test_profiled_functions_behave_as_the_plain_ones(programs: Any) -> None:
    plain = programs.run(PROTOCOLS, "plain")
    idle = programs.run(PROTOCOLS, "profiled")
    recorded = programs.run(PROTOCOLS, "profiled", options={})
    assert plain.status == 0, plain.stderr
    assert idle[:3] == plain[:3]
    assert recorded[:3] == plain[:3]
    trace = recorded.trace
    assert all(window["end_ns"] >= 0 for window in trace.windows.values())


def test_windows_do_nothing_while_nothing_is_recorded(run: Any) -> None:
    done = run(
        """
        import memlyze, sys
        @memlyze.profile
        def f(): return memlyze.window("inner")
        with memlyze.window("idle", a=1), f() as inner:
            print(type(inner).__name__)
        with memlyze.Tracer(output_file=sys.argv[1]):
            pass
        """
    )
    assert done.lines == ["window"]
    assert done.trace.windows == {}


def test_window_open_across_two_recordings_belongs_to_the_first(run: Any) -> None:
    done = run(
        """
        import memlyze, sys
        memlyze.start("first.mlyze", sample_rate=1.0)
        window = memlyze.window("from before")
        window.__enter__()
        memlyze.stop()
        memlyze.start(sys.argv[1], sample_rate=1.0)
        kept = [bytes(50_001)]
        with memlyze.window("of now"):
            kept.append(bytes(50_002))
        window.__exit__(None, None, None)
        kept.append(bytes(50_003))
        memlyze.stop()
        """
    )
    trace = done.trace
    assert [window["name"] for window in trace.windows.values()] == ["of now"]
    assert trace.window_named("of now")["parent_id"] == 0
    assert [window_of(trace, 50_001 + number) for number in range(3)] == ["", "of now", ""]


def test_attributes_and_names_of_every_kind(record: Any) -> None:
    trace = record(
        """
        import memlyze
        class Odd:
            def __repr__(self): raise RuntimeError("no repr")
        me = {}
        me["me"] = me
        for attributes in (
            dict(odd=Odd(), nan=float("nan"), huge=10**5000, nul="\\0", surrogate="\\udcff"),
            dict(nested={"a": [1, (2,)], 3: None, Odd(): Odd}, data=b"\\xff"),
            me,
        ):
            with memlyze.window("näme\\0 🐍 \\ud800", **attributes):
                pass
        """
    ).trace
    assert len(trace.windows) == 3
    for window in trace.windows.values():
        assert window["name"].startswith("näme")
        attributes = json.loads(window["attributes"] or "{}")
        # With half a surrogate pair in one, DuckDB fails at the attributes of all windows.
        assert json.dumps(attributes, ensure_ascii=False).encode("utf-8")


def test_profile_refuses_what_is_no_function(run: Any) -> None:
    done = run(
        """
        import memlyze
        for wrong in (3, "name", type("AClass", (), {})):
            try:
                memlyze.profile(wrong)
            except TypeError as error:
                print(error)
        """
    )
    assert len(done.lines) == 3
    assert all("memlyze.profile wraps functions" in line for line in done.lines)


def test_native_callbacks_have_no_window_of_earlier_ones(record: Any, native: str) -> None:
    """Each gets a thread state of its own, maybe at the same address."""
    trace = record(
        """
        import ctypes, memlyze, sys
        kept = []
        def called():
            number = len(kept)
            if number % 2 == 0:
                with memlyze.window(f"callback {number}"):
                    kept.append(bytes(50_000 + number))
            else:
                kept.append(bytes(50_000 + number))
        native = ctypes.CDLL(sys.argv[1])
        callback = ctypes.CFUNCTYPE(None)(called)
        native.run_callbacks_in_thread(callback, 40)
        """,
        native,
    ).trace
    for number in range(40):
        expected = f"callback {number}" if number % 2 == 0 else ""
        assert window_of(trace, 50_000 + number) == expected


def test_number_of_a_closed_window_is_not_found_again(record: Any) -> None:
    done = record(
        """
        import contextvars, memlyze
        from memlyze import windows
        # So many that taking one out of the context takes more than one block.
        others = [contextvars.ContextVar(str(number)) for number in range(200)]
        for other in others:
            other.set(None)
        with memlyze.window("empty"):
            pass
        print(windows.present.get())
        """
    )
    assert done.stdout == "0\n"


def test_what_is_freed_just_after_a_window_was_retained_by_it(record: Any) -> None:
    """The clock of events has steps of a millisecond; the end of a window is one more."""
    done = record(
        """
        import memlyze
        for number in range(20):
            with memlyze.window("work"):
                kept = [bytes(1000) for _ in range(100)]
                inside = [bytes(2000) for _ in range(100)]
                del inside
            del kept
        """
    )
    with memlyze.open(str(done.trace_path)) as trace:
        rows = trace.sql("SELECT retained_bytes FROM windows").fetchall()
    assert len(rows) == 20
    assert all(100 * 1033 <= retained < 100 * 1033 + 10_000 for (retained,) in rows)


def test_blocks_that_die_while_attributes_are_encoded_are_not_live(record: Any) -> None:
    """The recorder's own work is not recorded; what a collection frees in the midst of it is."""
    trace = record(
        """
        import gc, memlyze
        class Node: pass
        class Clears:
            def __str__(self):
                cache.clear()
                gc.collect()
                return "cleared"
        cache = []
        for number in range(100):
            node = Node()
            node.itself = node
            node.data = bytes(20_000)
            cache.append(bytes(30_000))
            del node
            with memlyze.window("work", attribute=Clears()):
                pass
        """
    ).trace
    for size in (20_033, 30_033):
        blocks = trace.allocations(size)
        assert len(blocks) == 100 and all(block.freed_ns >= 0 for block in blocks)
    assert trace.metadata["stale_blocks_closed"] == 0
    trace.check_sound()


@pytest.mark.parametrize("library", ["PyDLL", "CDLL"])  # the latter lets the GIL go
@pytest.mark.parametrize("sample_rate", [0.0, 0.01, 1.0])
def test_native_memory_is_in_the_window_in_which_it_was_asked_for(
    library: str, sample_rate: float, record: Any
) -> None:
    """Also where nothing else is recorded in the meantime, as in a sample."""
    trace = record(
        f"""
        import contextvars, ctypes, memlyze
        libc = ctypes.{library}(None)
        libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        libc.malloc(9_000_000)
        with memlyze.window("one"):
            libc.malloc(9_000_001)
            inside = contextvars.copy_context()
        with memlyze.window("two"):
            libc.malloc(9_000_002)
            inside.run(ctypes.PyDLL(None).malloc, ctypes.c_size_t(9_000_003))
        libc.malloc(9_000_004)
        """,
        sample_rate=sample_rate,
    ).trace
    windows = [trace.one(9_000_000 + number).window_id for number in range(5)]
    names = [trace.windows[number]["name"] if number else "" for number in windows]
    assert names == ["", "one", "two", "one", ""]


def test_native_memory_that_is_asked_for_without_the_gil_is_in_no_window_of_another_task(
    record: Any,
) -> None:
    trace = record(
        """
        import asyncio, ctypes, memlyze
        malloc = ctypes.CDLL(None).malloc
        malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        async def task(name, size):
            with memlyze.window(name):
                malloc(size)
                await asyncio.sleep(0)
                malloc(size + 1)
        async def main():
            await asyncio.gather(task("one", 9_000_000), task("two", 9_000_010))
        asyncio.run(main())
        """,
        sample_rate=0.0,
    ).trace
    windows = {size: trace.one(9_000_000 + size).window_id for size in (0, 1, 10, 11)}
    names = {size: trace.windows[n]["name"] if n else "" for size, n in windows.items()}
    assert (names[0], names[10]) == ("one", "two")
    assert names[1] in ("one", "") and names[11] in ("two", "")


def test_raw_memory_is_in_the_window_in_which_it_was_asked_for(record: Any) -> None:
    trace = record(
        """
        import ctypes, memlyze
        api = ctypes.pythonapi
        api.PyMem_RawMalloc.restype = ctypes.c_void_p
        api.PyMem_RawMalloc.argtypes = [ctypes.c_size_t]
        api.PyMem_RawMalloc(9_000_000)
        with memlyze.window("one"):
            api.PyMem_RawMalloc(9_000_001)
        api.PyMem_RawMalloc(9_000_002)
        """,
        sample_rate=0.0,
    ).trace
    windows = [trace.one(9_000_000 + number).window_id for number in range(3)]
    assert [trace.windows[n]["name"] if n else "" for n in windows] == ["", "one", ""]


def test_thread_is_recorded_after_whatever_has_interrupted_a_window(run: Any) -> None:
    """As a signal's handler that raises does, after any call: here at each of them in turn."""
    done = run(
        """
        import sys, memlyze
        memlyze.start(sys.argv[1], sample_rate=1.0)
        class Timeout(Exception):
            pass
        def interrupt(frame, event, argument):
            global left
            if event.startswith("c_"):
                left -= 1
                if left == 0:
                    raise Timeout
        with memlyze.window("what is imported for it is there"):
            pass
        kept, is_interrupted = [], True
        while is_interrupted:
            left, is_interrupted = len(kept) + 1, False
            sys.setprofile(interrupt)
            try:
                with memlyze.window("work", number=7):
                    pass
            except Timeout:
                is_interrupted = True
            left = -1
            sys.setprofile(None)
            kept.append(bytes(60_000 + len(kept)))
        memlyze.stop()
        print(len(kept))
        """
    )
    goes = int(done.lines[0])
    assert goes > 10
    sizes = [60_033 + number for number in range(goes)]
    assert sorted(row.size for row in done.trace.own(*sizes)) == sizes
