"""Call stacks: the right functions, files and lines, from every kind of code."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from recorded import Frame, short

BEFORE_311 = sys.version_info < (3, 11)
INLINED = sys.version_info >= (3, 12)  # comprehensions are part of their function


def shape(trace: Any, size: int) -> list[tuple[str, int]]:
    """(function, line) of the stack of the only `bytes` of that many zeros, innermost first."""
    return [(short(frame.function), frame.line) for frame in trace.stack_of(size + 33)]


def test_functions_and_lines_of_nested_calls(record: Any) -> None:
    trace = record(
        """
        kept = []
        def outer():
            x = 1
            middle()

        def middle():
            return inner(
                1,
                2,
            )
        def inner(a, b):

            kept.append(bytes(50_001))
        outer()
        """
    ).trace
    assert shape(trace, 50_001)[0] == ("inner", 14)
    assert shape(trace, 50_001)[1][0] == "middle"
    assert shape(trace, 50_001)[1][1] in (8, 9)  # of a call over several lines
    assert shape(trace, 50_001)[2:] == [("outer", 5), ("<module>", 15)]
    assert {frame.file for frame in trace.stack_of(50_034)} == {trace.stack_of(50_034)[0].file}
    assert trace.stack_of(50_034)[0].file.endswith("program.py")


@pytest.mark.skipif(BEFORE_311, reason="code objects know no qualified name")
def test_functions_have_their_qualified_names(record: Any) -> None:
    trace = record(
        """
        kept = []
        class Outer:
            class Inner:
                def method(self):
                    def local():
                        kept.append(bytes(50_001))
                    local()
        Outer.Inner().method()
        """
    ).trace
    assert [frame.function for frame in trace.stack_of(50_034)] == [
        "Outer.Inner.method.<locals>.local",
        "Outer.Inner.method",
        "<module>",
    ]


def test_kinds_of_code(record: Any) -> None:
    trace = record(
        """
        import asyncio, functools
        kept = []
        keep = lambda n: kept.append(bytes(n))
        class Body:
            kept.append(bytes(50_001))
            def method(self): kept.append(bytes(50_002))
            @classmethod
            def of_class(cls): kept.append(bytes(50_003))
            @staticmethod
            def static(): kept.append(bytes(50_004))
            @property
            def attribute(self): kept.append(bytes(50_005))
            def __add__(self, other): kept.append(bytes(50_006)); return 1
            def __del__(self): kept.append(bytes(50_007))
            def __call__(self): kept.append(bytes(50_008))
            def __getattr__(self, name): kept.append(bytes(50_009))
        body = Body()
        body.method(); body.of_class(); body.static(); body.attribute; body + 1; body(); body.none
        del body
        keep(50_010)
        def generator():
            yield 1
            kept.append(bytes(50_011))
            yield 2
        list(generator())
        def delegating():
            yield from generator_two()
        def generator_two():
            kept.append(bytes(50_012))
            yield 1
        for _ in delegating(): pass
        async def coroutine():
            await asyncio.sleep(0)
            await inner()
        async def inner():
            kept.append(bytes(50_013))
        asyncio.run(coroutine())
        async def agenerator():
            yield 1
            kept.append(bytes(50_014))
        async def consume():
            async for _ in agenerator(): pass
        asyncio.run(consume())
        sorted([1], key=lambda x: kept.append(bytes(50_015)))
        list(map(lambda x: kept.append(bytes(50_016)), [1]))
        functools.reduce(lambda a, b: kept.append(bytes(50_017)), [1, 2])
        exec(compile("kept.append(bytes(50_018))", "executed.py", "exec"))
        def failing():
            try:
                raise ValueError
            except ValueError:
                kept.append(bytes(50_019))
            finally:
                kept.append(bytes(50_020))
        failing()
        def closure():
            n = 50_021
            def inside(): kept.append(bytes(n))
            inside()
        closure()
        def comprehended(): return [kept.append(bytes(n)) for n in [50_022]]
        comprehended()
        def generated(): return list(bytes(n) for n in [50_023])
        kept += generated()
        def many(*args, **kwargs): kept.append(bytes(50_024))
        many(*range(3), **{"a": 1})
        import contextlib
        @contextlib.contextmanager
        def manager():
            kept.append(bytes(50_025))
            yield
        with manager(): pass
        """
    ).trace

    def functions(size: int) -> list[str]:
        return trace.functions_of(size + 33)

    expected = {
        50_001: "Body",
        50_002: "method",
        50_003: "of_class",
        50_004: "static",
        50_005: "attribute",
        50_006: "__add__",
        50_007: "__del__",
        50_008: "__call__",
        50_009: "__getattr__",
        50_010: "<lambda>",
        50_011: "generator",
        50_013: "inner",
        50_014: "agenerator",
        50_015: "<lambda>",
        50_016: "<lambda>",
        50_017: "<lambda>",
        50_019: "failing",
        50_020: "failing",
        50_024: "many",
    }
    for size, function in expected.items():
        assert functions(size)[0] == function, size
        assert functions(size)[-1] == "<module>", size
    assert functions(50_012) == ["generator_two", "delegating", "<module>"]
    assert functions(50_013)[:2] == ["inner", "coroutine"]
    assert functions(50_014)[:2] == ["agenerator", "consume"]
    assert functions(50_018)[1] == "<module>"
    assert trace.stack_of(50_018 + 33)[0] == Frame("<module>", "executed.py", 1)
    assert functions(50_021) == ["inside", "closure", "<module>"]
    comprehension = [] if INLINED else ["<listcomp>"]
    assert functions(50_022) == [*comprehension, "comprehended", "<module>"]
    assert functions(50_023) == ["<genexpr>", "generated", "<module>"]
    assert functions(50_025) == ["manager", "__enter__", "<module>"]


def test_two_callers_of_a_function_are_told_apart(record: Any) -> None:
    """Their frames come to lie at the same addresses."""
    trace = record(
        """
        kept = []
        def leaf(n): kept.append(bytes(n))
        def one(n): leaf(n)
        def two(n): leaf(n)
        def three(n):
            leaf(n)
            leaf(n + 100)
        for number in range(50):
            one(50_000 + number)
            two(60_000 + number)
            three(70_000 + number)
        """
    ).trace
    for number in range(50):
        assert shape(trace, 50_000 + number) == [("leaf", 3), ("one", 4), ("<module>", 10)]
        assert shape(trace, 60_000 + number) == [("leaf", 3), ("two", 5), ("<module>", 11)]
        assert shape(trace, 70_000 + number)[1] == ("three", 7)
        assert shape(trace, 70_100 + number)[1] == ("three", 8)


def test_generators_that_take_turns(record: Any) -> None:
    trace = record(
        """
        kept = []
        def steps(base):
            for number in range(20):
                kept.append(bytes(base + number))
                yield number
        def drive(*generators):
            for together in zip(*generators):
                pass
        drive(steps(50_000), steps(60_000), steps(70_000))
        """
    ).trace
    for base in (50_000, 60_000, 70_000):
        for number in range(20):
            assert shape(trace, base + number) == [("steps", 5), ("drive", 8), ("<module>", 10)]


@pytest.mark.parametrize("depth_limit", [2, 3, 8, 64, 1000])
def test_stack_deeper_than_the_limit_is_marked_and_keeps_its_innermost_frames(
    record: Any, depth_limit: int
) -> None:
    trace = record(
        """
        kept = []
        def descend(depth):
            if depth == 0:
                kept.append(bytes(50_001))
            else:
                descend(depth - 1)
                kept.append(bytes(60_000 + depth))
        for _ in range(3):
            kept.clear()
            descend(800)
        """,
        max_stack_depth=depth_limit,
    ).trace
    for row in trace.allocations(50_034):
        stack = trace.stack(row.stack_id)
        functions = [short(frame.function) for frame in stack]
        if depth_limit > 801:
            assert functions == ["descend"] * 801 + ["<module>"]
            continue
        kept = functions[:-1]
        assert functions[-1] == "<truncated>"
        assert set(kept) == {"descend"}
        assert max(depth_limit // 2, 1) <= len(kept) <= depth_limit
        assert [frame.line for frame in stack[: len(kept)]] == [5] + [7] * (len(kept) - 1)
    for depth in range(1, 801):
        stack = [
            short(f.function) for f in trace.stack(trace.allocations(60_033 + depth)[0].stack_id)
        ]
        if stack[-1] == "<truncated>":
            assert max(depth_limit // 2, 1) <= len(stack) - 1 <= depth_limit
        else:
            assert len(stack) == 800 - depth + 2
    if depth_limit < 800:
        assert trace.metadata["stacks_truncated"] > 0


def test_recursion_to_pythons_own_limit(same: Any) -> None:
    same(
        """
        import sys
        sys.setrecursionlimit(3_000)
        def endless(n):
            return [endless(n + 1)]
        try:
            endless(0)
        except RecursionError as error:
            print(type(error).__name__)
        """
    )


def test_frames_that_are_not_complete_are_left_out(record: Any) -> None:
    """Up to CPython 3.11 the collector can run while a function's cells are being made."""
    trace = record(
        """
        import gc, traceback
        seen = {}
        class Cycle:
            def __init__(self): self.me = self
            def __del__(self):
                size = 50_000 + len(seen)
                seen[size] = None
                block = bytes(size)
                seen[size] = [f.name for f in traceback.extract_stack()][::-1]
        def with_cells(n):
            a = b = c = d = e = n
            def inner(): return a, b, c, d, e
            return inner
        gc.set_threshold(1)
        for number in range(200):
            Cycle()
            with_cells(number)
        gc.disable()
        with open("seen.txt", "w") as file:
            print(repr(seen), file=file)
        """
    )
    seen: dict[int, list[str]] = eval((trace_directory(trace) / "seen.txt").read_text())
    decoded = trace.trace
    assert len(seen) > 50
    for size, names in seen.items():
        assert decoded.functions_of(size + 33) == names


def trace_directory(done: Any) -> Any:
    return done.trace_path.parent


@pytest.mark.parametrize("name", ["plain", "lätin", "日本", "🐍", "sp ace", "x" * 200])
def test_file_and_function_names_of_every_kind(record: Any, name: str) -> None:
    trace = record(
        f"""
        name = {name!r}
        kept = []
        function = "f" if name.isascii() else "fé"
        source = f"def {{function}}(n):\\n\\n    kept.append(bytes(n))\\n{{function}}(50_001)"
        exec(compile(source, name + ".py", "exec"))
        """
    ).trace
    frame = trace.stack_of(50_034)[0]
    assert frame == Frame("f" if name.isascii() else "fé", name + ".py", 3)


def test_file_name_with_surrogates_keeps_its_frame_and_the_next(record: Any) -> None:
    trace = record(
        """
        kept = []
        exec(compile("kept.append(bytes(50_001))", "b\\udcffd.py", "exec"))
        """
    ).trace
    stack = trace.stack_of(50_034)
    assert stack[0].file.startswith("b") and stack[0].file.endswith("d.py")
    assert stack[1].file.endswith("program.py")
    assert [frame.function for frame in stack] == ["<module>", "<module>"]


def test_names_with_lone_surrogates_and_null_characters(record: Any) -> None:
    trace = record(
        """
        kept = []
        def f(): kept.append(bytes(50_001))
        if hasattr(f.__code__, "replace"):
            changes = {"co_name": "we\\0ird\\ud800"}
            if hasattr(f.__code__, "co_qualname"):
                changes["co_qualname"] = "we\\0ird\\ud800"
            f.__code__ = f.__code__.replace(**changes)
        f()
        """
    ).trace
    stack = trace.stack_of(50_034)
    assert stack[0].function.startswith("we")
    assert stack[1].function == "<module>"


def test_program_without_frames_of_its_own(record: Any) -> None:
    """What the interpreter allocates while it ends has no stack."""
    trace = record("kept = [bytes(50_001)]").trace
    assert trace.one(50_034).freed_ns == -1
    trace.check_sound()
